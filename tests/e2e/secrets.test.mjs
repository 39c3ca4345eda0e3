// SPDX-License-Identifier: Apache-2.0
// Promise 6: credentials never reach the disk, the log, a metric or a page; not even of requests that were refused or failed.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { chat, completion, stage } from './stage.mjs'

test('no credential of a request or of the configuration is written anywhere', async t => {
  const s = await stage(t)
  const up = await s.upstream(c => c.json(completion('ok'), 200, { 'set-cookie': 'session=cookie-canary-out' }))
  const canaries = ['bearer-canary-1', 'apikey-canary-2', 'query-canary-3', 'cookie-canary-4', 'proxy-canary-5', 'held-canary-6', 'admin-canary-7', 'cookie-canary-out', 'azure-canary-8', 'goog-canary-9']
  const v = await s.vigie({
    routes: [{ name: 'good', mount: '/openai', upstream: up.url, api: 'openai', headers: { set: { 'x-held': 'held-canary-6' } } }, { name: 'down', mount: '/down', upstream: 'http://127.0.0.1:1', api: 'openai' }],
    env: { ADMIN: 'admin-canary-7' },
  })
  const headers = { authorization: 'Bearer bearer-canary-1', 'x-api-key': 'apikey-canary-2', cookie: 'a=cookie-canary-4', 'proxy-authorization': 'Basic proxy-canary-5', 'api-key': 'azure-canary-8', 'x-goog-api-key': 'goog-canary-9', 'content-type': 'application/json' }
  for (const where of ['/openai/v1/chat/completions?key=query-canary-3&access_token=query-canary-3', '/down/v1/chat/completions?sig=query-canary-3', '/none?api_key=query-canary-3', '/openai/%zz?key=query-canary-3'])
    await (await v.fetch(where, { ...chat('hello'), headers })).text()
  const bad = await v.socket()
  await bad.send('POST /openai/v1/x?key=query-canary-3 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer bearer-canary-1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello')
  await bad.until('closed', c => c.closed)
  assert.equal(up.calls[0].headers['x-held'], 'held-canary-6')
  const said = [v.log, JSON.stringify(v.records('--limit', '0')), await (await fetch(v.admin + '/metrics')).text(), bad.got, v.run('check', '-c', 'vigie.yaml', '--print').out]
  await v.stop()
  for (const f of fs.readdirSync(path.join(v.dir, 'data'), { recursive: true })) {
    const file = path.join(v.dir, 'data', f)
    if (fs.statSync(file).isFile()) said.push(fs.readFileSync(file).toString('latin1'))
  }
  const [record] = v.records().filter(r => r.route === 'good')
  assert.match(record.caller, /^key:[0-9a-f]{12}$/)
  for (const canary of canaries)
    said.forEach((text, i) => assert.ok(!text.includes(canary), `${canary} in ${i}`))
})
