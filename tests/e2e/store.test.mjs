// SPDX-License-Identifier: Apache-2.0
// Promise 5: monitoring never takes the traffic down. A store that cannot write: the route's policy decides, and service returns by itself.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { chat, completion, stage, until } from './stage.mjs'

const isRoot = process.getuid() === 0
const mounted = (folder, size) => spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder]).status === 0

test('a full disk: refuse or pass as the route says, readiness tells, and all returns', { skip: !isRoot && 'needs root for a small file system' }, async t => {
  const s = await stage(t)
  const folder = path.join(s.folder, 'small')
  fs.mkdirSync(folder)
  if (!mounted(folder, '160m')) return t.skip('no tmpfs can be mounted here')
  s.later(() => spawnSync('umount', ['-l', folder]))
  const up = await s.upstream(c => c.json(completion('ok')))
  const v = await s.vigie({ routes: [{ name: 'strict', mount: '/strict', upstream: up.url, api: 'openai' }, { name: 'lax', mount: '/lax', upstream: up.url, api: 'openai', on_store_failure: 'pass' }], dir: folder })
  assert.equal((await v.fetch('/strict/v1/chat/completions', chat('x'))).status, 200)
  const ballast = path.join(folder, 'ballast'), block = Buffer.alloc(1 << 20, 1)
  const fd = fs.openSync(ballast, 'w')
  try { for (;;) fs.writeSync(fd, block) } catch (e) { assert.equal(e.code, 'ENOSPC') }
  fs.closeSync(fd)
  // Fill what is preallocated until the store fails: random text does not compress.
  const noise = n => Array.from({ length: n }, () => Math.random().toString(36).slice(2)).join(' ')
  await until('the store fails', async () => {
    const r = await Promise.all(Array.from({ length: 16 }, () => v.fetch('/strict/v1/chat/completions', chat(noise(60000))).then(x => x.status, () => 0)))
    return r.includes(503)
  })
  await until('it is known', async () => (await fetch(v.admin + '/readyz')).status === 503)
  const refused = await v.fetch('/strict/v1/chat/completions', chat('x'))
  assert.deepEqual([refused.status, refused.headers.get('x-vigie-error')], [503, 'store_unavailable'])
  assert.equal((await v.fetch('/lax/v1/chat/completions', chat('x'))).status, 200)
  assert.match(v.log, /store_failing/)
  fs.unlinkSync(ballast)
  await until('the store is back', async () => (await fetch(v.admin + '/readyz')).status === 200)
  assert.equal((await v.fetch('/strict/v1/chat/completions', chat('after'))).status, 200)
  assert.ok(v.records().some(r => r.question === 'after'))
  assert.ok(await v.metric('vigie_records_lost_total') > 0)
  await v.stop()
  const verify = v.run('verify', '-c', 'vigie.yaml', '--json')
  assert.equal(verify.code, 0, verify.out + verify.err)
  assert.ok(JSON.parse(verify.out).lost > 0, 'the gap is in the chain')
})

test('a record that was changed is found, in the journal and in the index', async t => {
  const s = await stage(t)
  const up = await s.upstream(c => c.json(completion('ok')))
  const v = await s.vigie({ routes: [{ mount: '/openai', upstream: up.url, api: 'openai' }] })
  for (let i = 0; i < 5; i++) await (await v.fetch('/openai/v1/chat/completions', chat(`question ${i}`))).text()
  assert.equal(v.records().length, 5)
  await v.stop()
  assert.equal(v.run('verify', '-c', 'vigie.yaml').code, 0)
  const files = fs.readdirSync(path.join(v.dir, 'data'), { recursive: true }).map(f => path.join(v.dir, 'data', f)).filter(f => fs.statSync(f).isFile())
  const journal = files.find(f => f.endsWith('.seg'))
  for (const at of [300, 1000, 2500]) { // the entries begin behind a head of 128 bytes
    const bytes = fs.readFileSync(journal), was = bytes[at]
    bytes[at] ^= 1
    fs.writeFileSync(journal, bytes)
    assert.equal(v.run('verify', '-c', 'vigie.yaml').code, 1, `byte ${at}`)
    bytes[at] = was
    fs.writeFileSync(journal, bytes)
    assert.equal(v.run('verify', '-c', 'vigie.yaml').code, 0)
  }
  const index = files.find(f => f.endsWith('.db') || f.endsWith('.sqlite'))
  const changed = spawnSync('sqlite3', [index, "update exchanges set question = 'question 9' where question = 'question 2'"])
  assert.equal(changed.status, 0, String(changed.stderr))
  assert.equal(v.run('verify', '-c', 'vigie.yaml').code, 1)
  assert.equal(v.run('records', '-c', 'vigie.yaml', '--rebuild').code, 0)
  assert.equal(v.run('verify', '-c', 'vigie.yaml').code, 0)
})
