// SPDX-License-Identifier: Apache-2.0
// A route's limits: the real clients hear a rate limit as they know it, wait as long as they are told and get through; what is refused never reaches the
// upstream and takes nothing from anybody else; budgets of tokens count what answers really took.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { chat, completion, Gate, stage, until } from './stage.mjs'

const route = (up, rate, more = {}) => [{ mount: '/openai', upstream: up.url, api: 'openai', rate, ...more }]
const as = (key, text = 'hello', more = {}) => ({ ...chat(text, more), headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` } })

test('requests of each key, whatever name the caller gives itself; the head alone decides', async t => {
  const s = await stage(t)
  const up = await s.upstream(call => call.json(completion('fine')))
  const v = await s.vigie({ routes: route(up, { per: 'key', requests: '3/h' }, { record: 'off' }) })
  const post = (key, name) => v.fetch('/openai/v1/chat/completions', { ...as(key), headers: { ...as(key).headers, 'x-vigie-caller': name } })
  const codes = []
  for (let i = 0; i < 5; i++) codes.push((await post('a', `n${i}`)).status)
  assert.deepEqual(codes, [200, 200, 200, 429, 429])
  assert.equal((await post('b', 'n1')).status, 200, 'another key')
  const no = await post('a', 'x')
  assert.ok(Number(no.headers.get('retry-after')) > 1000 && Number(no.headers.get('retry-after')) <= 1200, no.headers.get('retry-after'))
  assert.equal(no.headers.get('x-vigie-error'), 'rate_limited')
  const body = await no.json()
  assert.match(body.error.message, /3\/h requests for each key/)
  assert.equal(up.calls.length, 4)
  const metrics = await (await fetch(v.admin + '/metrics')).text()
  assert.match(metrics, /vigie_errors_total\{route="openai",kind="limited"\} 3/)
})

test('openai and anthropic raise their rate limit, or wait and get through', async t => {
  const s = await stage(t)
  const up = await s.upstream(call => call.json(call.url.includes('messages') ? { id: 'm', type: 'message', role: 'assistant', model: 'm', content: [{ type: 'text', text: 'fine' }], stop_reason: 'end_turn', usage: { input_tokens: 1, output_tokens: 1 } } : completion('fine')))
  const v = await s.vigie({ routes: [...route(up, { per: 'caller', requests: '1/s', burst: 1 }), { mount: '/anthropic', upstream: up.url, api: 'anthropic', rate: [{ requests: '1/s', burst: 1 }] }] })
  const o = n => new OpenAI({ apiKey: 'k', baseURL: `${v.url}/openai/v1`, maxRetries: n })
  const a = n => new Anthropic({ apiKey: 'k', baseURL: `${v.url}/anthropic`, maxRetries: n })
  const ask = { model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'hi' }] }
  await o(0).chat.completions.create(ask)
  await assert.rejects(o(0).chat.completions.create(ask), e => e instanceof OpenAI.RateLimitError && /1\/s requests/.test(e.message))
  assert.equal((await o(3).chat.completions.create(ask)).choices[0].message.content, 'fine')
  await a(0).messages.create(ask)
  await assert.rejects(a(0).messages.create(ask), e => e instanceof Anthropic.RateLimitError && /1\/s requests/.test(e.message))
  assert.equal((await a(3).messages.create(ask)).content[0].text, 'fine')
})

test('so many at once: the next is refused until one ends, and a client that leaves gives its place back', async t => {
  const s = await stage(t)
  const gate = new Gate()
  const up = await s.upstream(async call => { await gate.opened; call.json(completion('fine')) })
  const v = await s.vigie({ routes: route(up, { concurrent: 2 }) })
  const post = signal => v.fetch('/openai/v1/chat/completions', { ...as('a'), signal })
  const leaver = new AbortController()
  const first = post(), second = post(leaver.signal).catch(() => 'left')
  await until('two are at the upstream', () => up.calls.length === 2)
  assert.equal((await post()).status, 429)
  leaver.abort()
  await second
  let third
  await until('there is a place again', async () => {
    third = post()
    return await Promise.race([third.then(r => r.status !== 429), new Promise(k => setTimeout(k, 200, true))])
  })
  gate.open()
  assert.equal((await first).status, 200)
  assert.equal((await third).status, 200)
})

test('tokens of each model: what answers took counts, reported or estimated, streams too', async t => {
  const s = await stage(t)
  const up = await s.upstream(call => {
    if (call.json_body.stream) return call.openai('word '.repeat(400))
    call.json({ ...completion('fine'), usage: { prompt_tokens: 10, completion_tokens: 900, total_tokens: 910 } })
  })
  const v = await s.vigie({ routes: route(up, [{ per: ['key', 'model'], tokens: '1000/h' }], { record: 'off', rules: [] }) })
  const post = async (key, model, more) => { const r = await v.fetch('/openai/v1/chat/completions', as(key, 'hello there', { model, ...more })); await r.text(); return r.status }
  assert.equal(await post('a', 'm1'), 200)
  await until('it is settled', async () => await post('a', 'm1', { messages: [{ role: 'user', content: 'x'.repeat(1200) }] }) === 429)
  assert.equal(await post('a', 'm2'), 200, 'another model')
  assert.equal(await post('b', 'm1'), 200, 'another key')
  // A stream without usage: some 500 tokens by the text, so the second leaves a debt.
  assert.equal(await post('c', 'm1', { stream: true }), 200)
  assert.equal(await post('c', 'm1', { stream: true }), 200)
  await until('it is settled', async () => await post('c', 'm1', { messages: [{ role: 'user', content: 'x'.repeat(600) }] }) === 429)
  // What failed took nothing.
  await up.close()
  assert.equal(await post('d', 'm1'), 502)
  assert.equal(await post('d', 'm1'), 502)
})

test('limits outlive a reload, and a changed one begins afresh', async t => {
  const s = await stage(t)
  const up = await s.upstream(call => call.json(completion('fine')))
  const v = await s.vigie({ routes: route(up, { requests: '1/h' }) })
  const post = async () => { const r = await v.fetch('/openai/v1/chat/completions', as('a')); await r.text(); return r.status }
  assert.deepEqual([await post(), await post()], [200, 429])
  await v.reload()
  assert.equal(await post(), 429)
  v.configure({ routes: route(up, { requests: '2/h' }) })
  await v.reload()
  assert.deepEqual([await post(), await post(), await post()], [200, 200, 429])
})
