// SPDX-License-Identifier: Apache-2.0
// The threads together, for TSan: workers, writer, indexer, control and admin at once, with reloads and leaving clients between.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chat, completion, stage } from './stage.mjs'

test('load, reloads, admin reads and leaving clients at once', async t => {
  const s = await stage(t)
  const up = await s.upstream(async c => c.json_body.stream ? c.openai('some ', 'words ', 'here') : c.json(completion('fine')))
  const rules = n => `pack: p\nversion: ${n}\nrules:\n  - {id: no-x, on: answer, when: {pattern: 'never${n}'}, action: block, message: m, tests: [{answer: never${n}, expect: block}, {answer: a, expect: allow}]}\n  - {id: no-y, on: prompt, when: {words: [forbidden]}, action: block, message: m, tests: [{prompt: forbidden, expect: block}, {prompt: a, expect: allow}]}\n`
  const v = await s.vigie({ routes: [{ mount: '/openai', upstream: up.url, api: 'openai' }, { mount: '/async', upstream: up.url, api: 'openai', record: 'async' }], rules: rules(1) })
  let over = false, good = 0, blocked = 0
  const client = async i => {
    while (!over) {
      const stop = new AbortController()
      try {
        const r = await v.fetch(`/${i % 2 ? 'openai' : 'async'}/v1/chat/completions`, { ...chat(i % 3 ? 'hello' : 'forbidden', { stream: i % 4 === 0 }), signal: stop.signal })
        if (i === 5) { stop.abort(); continue }
        const text = await r.text()
        if (r.status === 200 && text.length) good++
        else if (r.status === 403) blocked++
        else throw new Error(`${r.status} ${text}`)
      } catch (e) { if (e.name !== 'AbortError') throw e }
    }
  }
  const clients = Array.from({ length: 10 }, (_, i) => client(i))
  const fs = await import('node:fs'), path = await import('node:path')
  for (let n = 2; n < 14; n++) {
    fs.writeFileSync(path.join(v.dir, 'rules.yaml'), rules(n))
    await v.reload()
    for (const page of ['/metrics', '/healthz', '/readyz', '/api/v1/drift', '/api/v1/exchanges?limit=5', '/api/v1/rules']) await (await fetch(v.admin + page)).text()
  }
  over = true
  await Promise.all(clients)
  assert.ok(good > 10 && blocked > 2, `${good} good, ${blocked} blocked`)
  assert.equal((await v.stop()).code, 0)
  assert.equal(v.run('verify', '-c', 'vigie.yaml').code, 0)
})
