// SPDX-License-Identifier: Apache-2.0
// Real clients, unchanged: what each gets and what its upstream sees is the same through vigie as directly, and streams are not held.
import assert from 'node:assert/strict'
import http from 'node:http'
import { test } from 'node:test'
import OpenAI from 'openai'
import { answer, apis } from './apis.mjs'
import { classes, clients, words } from './clients.mjs'
import { Gate, stage } from './stage.mjs'

const route = (api, up, more = {}) => ({ mount: api.mount, upstream: up.url, api: api.api, ...more })
const hop = new Set(['host', 'connection', 'keep-alive', 'te', 'trailer', 'upgrade', 'proxy-connection', 'transfer-encoding'])
// Content-Length is framing, written anew: its spelling may differ, its value not. All other names keep their case, and all their order.
const pairs = raw => raw.reduce((a, x, i) => (i % 2 ? a.at(-1).push(x) : a.push([/^content-length$/i.test(x) ? x.toLowerCase() : x]), a), []).filter(p => !hop.has(p[0].toLowerCase()))
// What the upstream saw, without what is of one connection, or differs from call to call even without vigie.
const seen_by = (call, changing) => ({ method: call.method, url: call.url, body: call.body, headers: pairs(call.rawHeaders).filter(p => !changing.has(p[0].toLowerCase())) })
function changing(a, b) {
  const out = new Set()
  for (const [k] of [...pairs(a.rawHeaders), ...pairs(b.rawHeaders)]) if (a.headers[k.toLowerCase()] !== b.headers[k.toLowerCase()]) out.add(k.toLowerCase())
  return out
}
// The same bytes once more with a plain client: every byte and header of the answer.
const replay = (base, call) => new Promise((done, fail) => {
  const r = http.request(base + call.url, { method: call.method, headers: { ...call.headers, host: 'x', connection: 'close' } }, res => {
    const chunks = []
    res.on('data', d => chunks.push(d)).on('end', () => done({ status: res.statusCode, headers: pairs(res.rawHeaders).filter(p => !/^(x-vigie-exchange|date)$/i.test(p[0])), body: Buffer.concat(chunks).toString('latin1') })).on('error', fail)
  })
  r.on('error', fail)
  r.end(call.body)
})
const asked = 'Où est “la” gare ? 🚉 \\ "q" \u2028 </script>'
const pieces = ['Elle est ', 'à 300 m, 🚶 “tout', ' droit” \\n ', 'puis à gauche.']

for (const c of clients) {
  test(`${c.name}: the same through vigie`, async t => {
    const s = await stage(t)
    const up = await s.upstream(call => answer(c.api, call, pieces))
    const v = await s.vigie({ routes: [route(c.api, up)] })
    for (const mode of ['whole', 'stream']) {
      if (!c[mode]) continue
      const first = up.calls.length
      const direct = await c[mode](c.make(up.url), asked, () => {})
      await c[mode](c.make(up.url), asked, () => {})
      const through = await c[mode](c.make(v.url + c.api.mount), asked, () => {})
      assert.equal(up.calls.length, first + 3)
      assert.ok(JSON.stringify(through).includes('300 m'), mode)
      const [one, two, three] = up.calls.slice(first)
      const except = changing(one, two)
      assert.ok(except.size <= 2, [...except].join())
      assert.deepEqual(seen_by(three, except), seen_by(one, except), mode)
      const fixed = x => JSON.stringify(x, (k, w) => /^(run_?id|id|created_at|createdAt)$/.test(k) && /^(run-|lc_|[0-9a-f]{8}-|[12]\d{9})/.test(String(w)) ? '?' : w)
      assert.equal(fixed(through), fixed(direct), mode)
      assert.deepEqual(await replay(v.url + c.api.mount, one), await replay(up.url, one), mode)
    }
    const records = v.records()
    assert.equal(records.length, (c.whole ? 2 : 0) + 2)
    for (const r of records) {
      assert.equal(r.verdict, 'allow')
      assert.ok(r.question.includes('la” gare'), JSON.stringify(r))
      assert.ok(r.answer_start.startsWith('Elle est à 300 m'), JSON.stringify(r))
    }
  })

  test(`${c.name}: a stream is not held`, async t => {
    const s = await stage(t)
    const gate = new Gate()
    const up = await s.upstream(call => answer(c.api, call, ['The first half, ', gate, 'the second half.']))
    // With a rule that has to look at every letter, and one that does not act.
    const v = await s.vigie({ routes: [route(c.api, up)], rules: 'pack: p\nversion: 1\nrules:\n  - {id: no-x, on: answer, when: {pattern: "forbidden thing"}, action: block, message: no}\n  - {id: flags, on: answer, when: {words: [half]}, action: flag, message: half}\n' })
    let text = ''
    await c.stream(c.make(v.url + c.api.mount), 'hello', x => {
      text += x
      if (text.includes('The first half')) { assert.ok(gate.done || !text.includes('second')); gate.done = true; gate.open() }
    })
    assert.ok(gate.done, 'the first half came while the second was held back')
    assert.ok(text.includes('the second half.'))
  })
}

test('openai, embeddings: numbers as they came', async t => {
  const s = await stage(t)
  const numbers = new Float32Array([0.1, -2.5, 3e-8, 1])
  const up = await s.upstream(c => c.json({ object: 'list', model: 'm-1', data: [{ object: 'embedding', index: 0, embedding: c.json_body.encoding_format === 'base64' ? Buffer.from(numbers.buffer).toString('base64') : [...numbers] }], usage: { prompt_tokens: 3, total_tokens: 3 } }))
  const v = await s.vigie({ routes: [route(apis.chat, up)], rules: 'pack: p\nversion: 1\nrules:\n  - {id: no-x, on: prompt, when: {words: [forbidden]}, action: block, message: "not this one"}\n' })
  const client = base => new OpenAI({ apiKey: 'k', baseURL: base + '/v1' })
  const ask = (base, input) => client(base).embeddings.create({ model: 'm-1', input })
  assert.deepEqual(await ask(v.url + '/openai', ['a', 'b']), await ask(up.url, ['a', 'b']))
  assert.deepEqual((await ask(v.url + '/openai', 'a')).data[0].embedding, [...numbers])
  await assert.rejects(ask(v.url + '/openai', ['fine', 'a forbidden text']), e => classes(e).includes('PermissionDeniedError') && words(e).includes('not this one'))
})

test('an upstream\'s own errors reach each client as they are', async t => {
  const s = await stage(t)
  const errors = { openai: { error: { message: 'no such model', type: 'invalid_request_error', param: null, code: 'model_not_found' } }, anthropic: { type: 'error', error: { type: 'not_found_error', message: 'no such model' } }, gemini: { error: { code: 404, message: 'no such model', status: 'NOT_FOUND' } }, ollama: { error: 'no such model' }, cohere: { message: 'no such model' } }
  const up = await s.upstream(c => c.json(errors[c.headers['x-shape'] ?? shape], 404))
  let shape
  const v = await s.vigie({ routes: [...new Map(clients.map(c => [c.api.mount, route(c.api, up)])).values()] })
  for (const c of clients) {
    shape = c.api.api === 'mistral' ? 'openai' : c.api.api
    const run = base => (c.whole ?? c.stream)(c.make(base), 'hello', () => {}).then(() => assert.fail('nothing raised'), e => [classes(e), words(e), e.status ?? e.statusCode])
    assert.deepEqual(await run(v.url + c.api.mount), await run(up.url), c.name)
  }
})
