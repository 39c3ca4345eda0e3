// SPDX-License-Identifier: Apache-2.0
// An upstream of no known API, read by the user's own paths: blocked, redacted and recorded like any other.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Gate, stage, until } from './stage.mjs'

const rules = `pack: p
version: 1
rules:
  - {id: no-tar, on: prompt, when: {words: [tar]}, action: block, message: no tar here, severity: high}
  - {id: no-feathers, on: answer, when: {pattern: 'feathers?'}, action: block, message: no feathers here, severity: high}
  - {id: mask-prompt, on: prompt, when: {pattern: 'KEY-[0-9]{4}'}, action: redact, message: masked, severity: low}
  - {id: mask-answer, on: answer, when: {pattern: 'KEY-[0-9]{4}'}, action: redact, message: masked, severity: low}
`
const api = { kind: 'json', prompt: '$.q', answer: '$.a', delta: '$.d', instructions: '$.rules[*].text', context: "$['what is known']" }
const post = body => ({ method: 'POST', headers: { 'content-type': 'application/json' }, body: typeof body === 'string' ? body : JSON.stringify(body) })
const problem = async (r, rule, detail) => {
  assert.deepEqual([r.status, r.headers.get('content-type'), r.headers.get('x-vigie-rule'), r.headers.get('x-vigie-verdict')], [403, 'application/problem+json', rule, 'block'])
  const body = await r.json()
  assert.deepEqual([body.status, body.code, body.detail], [403, 'policy_blocked', detail])
}

test('a user\'s paths: prompts and answers are blocked as a problem document', async t => {
  const s = await stage(t)
  const up = await s.upstream(c => c.json({ a: c.json_body.q.includes('bird') ? 'it has feathers' : 'fine', more: 'x' }))
  const v = await s.vigie({ routes: [{ name: 'own', mount: '/own', upstream: up.url, api }], rules })
  assert.deepEqual(await (await v.fetch('/own/ask', post({ q: 'a stone' }))).json(), { a: 'fine', more: 'x' })
  await problem(await v.fetch('/own/ask', post({ q: 'buy some tar' })), 'no-tar', 'no tar here')
  await problem(await v.fetch('/own/ask', post({ q: 'x', elsewhere: ['under no path: tar'] })), 'no-tar', 'no tar here')
  await problem(await v.fetch('/own/ask', post('{"q":"t\\u0061r","q":"x"}')), 'no-tar', 'no tar here')
  assert.equal(up.calls.length, 1)
  await problem(await v.fetch('/own/ask', post({ q: 'a bird' })), 'no-feathers', 'no feathers here')
  const all = await until('all are recorded', () => { const r = v.records(); return r.length === 5 && r })
  assert.deepEqual([...new Set(all.map(r => r.api))], ['json'])
})

test('a user\'s paths: redaction both ways leaves every other byte', async t => {
  const s = await stage(t)
  const up = await s.upstream(c => c.json('{ "n": 1.0,\n "a" : "say KEY-1234\\u0021", "z":[ ] }'))
  const v = await s.vigie({ routes: [{ mount: '/own', upstream: up.url, api }], rules })
  const r = await v.fetch('/own/ask', post('{"q" : "is KEY-9876 \\"mine\\"?",  "k":1e2}'))
  const got = await r.text(), sent = up.calls[0].body
  assert.equal(sent.replace(/\[[A-Z-]+\]/i, 'KEY-9876'), '{"q" : "is KEY-9876 \\"mine\\"?",  "k":1e2}')
  assert.equal(got.replace(/\[[A-Z-]+\]/i, 'KEY-1234'), '{ "n": 1.0,\n "a" : "say KEY-1234!", "z":[ ] }')
  assert.ok(!sent.includes('9876') && !got.includes('1234'))
})

for (const [stream, type, spell] of [['sse', 'text/event-stream', x => `data: ${JSON.stringify(x)}\n\n`], ['ndjson', 'application/x-ndjson', x => JSON.stringify(x) + '\n'], ['ndjson', 'application/json', x => JSON.stringify(x) + '\n']])
  test(`a user's paths: a stream of ${stream} as ${type}`, async t => {
    const s = await stage(t)
    const gate = new Gate()
    const up = await s.upstream(async c => {
      const pieces = { bad: ['so ', 'it is of fea', 'thers', ' and more'], mask: ['it is KEY', '-12', '34, yes'], good: ['one ', 'two'] }[c.json_body.q]
      c.begin(type)
      for (const d of pieces) await c.write(spell({ d }))
      if (c.json_body.q === 'good') await gate.opened
      if (c.json_body.q !== 'bad') await c.write(spell({ a: pieces.join('') }))
      c.end()
    })
    const v = await s.vigie({ routes: [{ mount: '/own', upstream: up.url, api: { ...api, stream } }], rules })
    const good = await v.fetch('/own/ask', post({ q: 'good' }))
    let text = ''
    for await (const b of good.body) {
      text += Buffer.from(b)
      if (text.includes('two')) gate.open()   // the last event comes when the ones before it arrived
    }
    assert.equal(text, [{ d: 'one ' }, { d: 'two' }, { a: 'one two' }].map(spell).join(''))
    const mask = await (await v.fetch('/own/ask', post({ q: 'mask' }))).text()
    assert.ok(!/KEY|12|34/.test(mask) && mask.includes('yes'), mask)
    let bad = ''
    await assert.rejects(async () => {   // nothing can be said in a stream of no known API: the cut says it
      for await (const b of (await v.fetch('/own/ask', post({ q: 'bad' }))).body) bad += Buffer.from(b)
    })
    assert.ok(!/fea|thers|more/.test(bad), bad)
    await until('the block is recorded', () => v.records().some(r => r.verdict === 'block'))
  })
