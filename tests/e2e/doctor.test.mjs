// SPDX-License-Identifier: Apache-2.0
// The doctor names what is wrong with an installation and what to do, changes nothing, and is content with one that is well.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import net from 'node:net'
import { once } from 'node:events'
import path from 'node:path'
import { test } from 'node:test'
import { chat, completion, stage } from './stage.mjs'

test('an installation that is well, and what is wrong with others', async t => {
  const s = await stage(t)
  const up = await s.upstream(call => call.json(completion('fine')))
  const v = await s.vigie({ routes: [{ mount: '/a', upstream: up.url, api: 'openai' }] })
  assert.equal((await v.fetch('/a/v1/chat/completions', chat('x'))).status, 200)
  v.records()
  const doctor = (...more) => { const r = v.run('doctor', '-c', 'vigie.yaml', '--json', ...more); return { ...r, ...JSON.parse(r.out) } }
  const has = (r, level, about, what) => assert.ok(r.findings.some(f => f.level === level && f.about === about && what.test(f.what) && (level === 'ok' || f.hint || about === 'upstream')), `${level} ${about} ${what}: ${r.out}`)
  let r = doctor()
  assert.equal(r.code, 0, r.out)
  assert.equal(r.bad, 0)
  has(r, 'ok', 'upstream', /name \d+ ms/)
  has(r, 'ok', 'records', /1 records/)
  has(r, 'ok', 'disk', /sync takes/)
  assert.equal(up.calls.length, 1, 'no request was sent')
  assert.ok(!fs.readdirSync(path.join(v.dir, 'data')).some(name => name.includes('doctor')), 'nothing is left behind')
  assert.match(v.run('doctor', '-c', 'vigie.yaml').out, /\n\d+ ok, \d+ warn, 0 bad\n$/)
  await v.stop()

  // A port that is taken, a folder that others may read, a name nobody knows, an upstream that is down.
  const taken = net.createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.after(() => taken.close())
  fs.chmodSync(path.join(v.dir, 'data'), 0o755)
  v.configure({ listen: `127.0.0.1:${taken.address().port}`, routes: [{ mount: '/a', upstream: 'http://127.0.0.1:1', api: 'openai' }, { mount: '/b', upstream: 'http://nobody.invalid', api: 'openai' }] })
  r = doctor()
  assert.equal(r.code, 1)
  has(r, 'warn', 'port', /in use/)
  has(r, 'warn', 'data', /mode 755/)
  has(r, 'bad', 'upstream', /127\.0\.0\.1:1 \(route a\)/)
  has(r, 'bad', 'upstream', /nobody\.invalid \(route b\)/)
  r = doctor('--offline')
  assert.equal(r.code, 0, r.out)
  assert.ok(!r.findings.some(f => f.about === 'upstream'))

  // Records that were changed.
  const segment = path.join(v.dir, 'data/journal/0000000001.seg'), bytes = fs.readFileSync(segment)
  bytes[300] ^= 1
  fs.writeFileSync(segment, bytes)
  r = doctor('--offline')
  assert.equal(r.code, 1)
  has(r, 'bad', 'records', /first bad one/)

  // A configuration that does not compile is trouble.
  v.configure({ text: 'routes: []\n' })
  const no = v.run('doctor', '-c', 'vigie.yaml')
  assert.equal(no.code, 2)
  assert.match(no.err, /vigie\.yaml:1:/)
})
