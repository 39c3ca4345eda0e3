// SPDX-License-Identifier: Apache-2.0
// Reloads: an edited rule holds from the next call on; what does not compile changes nothing and is said with its place; no request fails meanwhile.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import OpenAI from 'openai'
import { Gate, chat, completion, stage, until } from './stage.mjs'

const rules = (word, version = 1) => `pack: p
version: ${version}
rules:
  - id: no-word
    on: prompt
    when: {words: [${word}]}
    action: block
    message: "no ${word} here"
    tests: [{prompt: ${word}, expect: block}, {prompt: fine, expect: allow}]
`
const write = (v, text) => fs.writeFileSync(path.join(v.dir, 'rules.yaml'), text)
const ask = (v, text, where = '/openai') => v.fetch(where + '/v1/chat/completions', chat(text)).then(async r => ({ status: r.status, text: await r.text() }))

test('an edited rule blocks the next call, in the client\'s own words', async t => {
  const s = await stage(t)
  const up = await s.upstream(c => c.json(completion('fine')))
  const v = await s.vigie({ routes: [{ mount: '/openai', upstream: up.url, api: 'openai' }], rules: rules('apples') })
  const client = new OpenAI({ apiKey: 'k', baseURL: v.url + '/openai/v1' })
  const say = content => client.chat.completions.create({ model: 'm', messages: [{ role: 'user', content }] })
  assert.equal((await say('pears')).choices[0].message.content, 'fine')
  await assert.rejects(say('apples'), OpenAI.PermissionDeniedError)
  write(v, rules('pears', 2))
  assert.equal(v.run('rules', 'test', 'rules.yaml').code, 0)
  await v.reload()
  await assert.rejects(say('pears'), e => e instanceof OpenAI.PermissionDeniedError && e.message.includes('no pears here'))
  assert.equal((await say('apples')).choices[0].message.content, 'fine')
})

test('a file that does not compile changes nothing, and says its place', async t => {
  const s = await stage(t)
  const up = await s.upstream(c => c.json(completion('fine')))
  const v = await s.vigie({ routes: [{ mount: '/openai', upstream: up.url, api: 'openai' }], rules: rules('apples') })
  const broken = {
    'a pattern': [rules('pears').replace('{words: [pears]}', "{pattern: '(unclosed'}"), /rules\.yaml:6:\d+: /], 'a key': [rules('pears').replace('action:', 'acton:'), /rules\.yaml:7:5: .*(action|acton)/], 'YAML': [rules('pears').replace('[pears]}', '[pears'), /rules\.yaml:\d+:\d+: /],
    'an action': [rules('pears').replace('action: block', 'action: explode'), /rules\.yaml:7:\d+: /], 'no rules': ['pack: p\nversion: 1\nrules: 7\n', /rules\.yaml:3:\d+: /], 'twice the same id': [rules('pears') + rules('plums').split('rules:\n')[1], /rules\.yaml:1\d:\d+: /],
    'bytes': ['\x00\x01\x02', /rules\.yaml:\d+:\d+: /],
  }
  for (const [why, [text, place]] of Object.entries(broken)) {
    write(v, text)
    const from = v.log.length
    await v.reload()
    assert.match(v.log.slice(from), /reload_failed/, why)
    await until(`${why}: its place is said`, () => place.test(v.log.slice(from)))
    const check = v.run('check', '-c', 'vigie.yaml')
    assert.equal(check.code, 2, why)
    assert.match(check.err + check.out, place, why)
    assert.equal((await ask(v, 'apples')).status, 403, `${why}: the old rules hold`)
    assert.equal((await ask(v, 'pears')).status, 200, why)
  }
  fs.rmSync(path.join(v.dir, 'rules.yaml'))
  await v.reload()
  assert.equal((await ask(v, 'apples')).status, 403, 'a file that is gone')
  write(v, rules('apples'))
  v.configure({ text: 'listen: 127.0.0.1:0\nroutes:\n  - {mount: /openai, upstrem: http://127.0.0.1:1}\n' })
  const from = v.log.length
  await v.reload()
  assert.match(v.log.slice(from), /vigie\.yaml:3:\d+: .*upstream/)
  assert.equal((await ask(v, 'pears')).status, 200)
  v.configure()
  write(v, rules('pears'))
  await v.reload()
  assert.deepEqual([(await ask(v, 'pears')).status, (await ask(v, 'apples')).status], [403, 200], 'and a good one is taken again')
})

test('an exchange keeps the rules that it began with', async t => {
  const s = await stage(t)
  const gate = new Gate()
  const up = await s.upstream(c => c.openai('one ', gate, 'forbidden ', 'three'))
  const answers = word => rules(word).replace('on: prompt', 'on: answer').replaceAll('prompt:', 'answer:')
  const v = await s.vigie({ routes: [{ mount: '/openai', upstream: up.url, api: 'openai' }], rules: answers('other') })
  const r = await v.fetch('/openai/v1/chat/completions', chat('x', { stream: true }))
  const reader = r.body.getReader()
  let text = Buffer.from((await reader.read()).value).toString()
  write(v, answers('forbidden'))
  await v.reload()
  gate.open()
  for (let x; !(x = await reader.read()).done;) text += Buffer.from(x.value).toString()
  assert.ok(text.includes('three') && text.endsWith('[DONE]\n\n'))
  const after = await (await v.fetch('/openai/v1/chat/completions', chat('x', { stream: true }))).text()
  assert.ok(!after.includes('forbidden "') && after.includes('no forbidden here') && !after.includes('three'))
})

test('300 reloads under load, broken ones among them: no request fails', async t => {
  const s = await stage(t)
  const up = await s.upstream(c => c.json_body.stream ? c.openai('some ', 'words') : c.json(completion('fine')))
  const v = await s.vigie({ routes: [{ mount: '/openai', upstream: up.url, api: 'openai' }], rules: rules('apples') })
  let over = false
  const count = { good: 0, blocked: 0 }, wrong = []
  const client = async i => {
    while (!over) {
      const bad = i % 3 === 0
      const r = await v.fetch('/openai/v1/chat/completions', chat(bad ? 'apples' : 'pears', { stream: i % 2 === 0 })).then(async x => ({ status: x.status, text: await x.text() }), e => ({ status: String(e.cause ?? e) }))
      if (r.status === (bad ? 403 : 200) && (bad || /fine|\[DONE\]/.test(r.text))) bad ? count.blocked++ : count.good++
      else wrong.push(`${bad}: ${r.status} ${r.text?.slice(0, 100)}`)
    }
  }
  const clients = Array.from({ length: 6 }, (_, i) => client(i))
  const done = { reloaded: 0, failed: 0 }
  const end = Date.now() + 40000   // bounded, for slow builds; the number asked for is reached elsewhere
  for (let n = 0; n < 300 && Date.now() < end; n++) {
    write(v, n % 4 === 3 ? rules('apples', n) + '  - broken' : rules('apples', n + 1))
    const from = v.log.length
    await v.reload()
    v.log.slice(from).includes('reload_failed') ? done.failed++ : done.reloaded++
  }
  over = true
  await Promise.all(clients)
  assert.deepEqual(wrong.slice(0, 5), [])
  assert.ok(done.failed >= 10 && done.reloaded >= 30, JSON.stringify(done))
  assert.ok(count.good > 50 && count.blocked > 20, JSON.stringify(count))
  assert.equal(v.ended, undefined)
})

test('routes come and go with a reload; connections and calls under way stay', async t => {
  const s = await stage(t)
  const gate = new Gate()
  const up = await s.upstream(c => c.json_body.stream ? c.openai('one ', gate, 'two') : c.json(completion('fine')))
  const route = mount => ({ mount, upstream: up.url, api: 'openai' })
  const v = await s.vigie({ routes: [route('/a')] })
  assert.equal((await ask(v, 'x', '/b')).status, 404)
  const r = await v.fetch('/a/v1/chat/completions', chat('x', { stream: true }))
  v.configure({ routes: [route('/b')] })
  await v.reload()
  assert.deepEqual([(await ask(v, 'x', '/b')).status, (await ask(v, 'x', '/a')).status], [200, 404])
  gate.open()
  assert.ok((await r.text()).endsWith('[DONE]\n\n'), 'a stream on a route that is gone')
})

test('a listener comes and goes with a reload', async t => {
  const s = await stage(t)
  const net = await import('node:net')
  const port = await new Promise(k => { const x = net.createServer().listen(0, '127.0.0.1', () => { const p = x.address().port; x.close(() => k(p)) }) })
  const up = await s.upstream(c => c.json(completion('fine')))
  const main = { mount: '/openai', upstream: up.url, api: 'openai' }
  const v = await s.vigie({ routes: [main] })
  const at = () => fetch(`http://127.0.0.1:${port}/v1/chat/completions`, { ...chat('x'), headers: { 'content-type': 'application/json', connection: 'close' } }).then(r => r.status, () => 'refused')
  assert.equal(await at(), 'refused')
  v.configure({ routes: [main, { listen: `127.0.0.1:${port}`, upstream: up.url, api: 'openai' }] })
  await v.reload()
  assert.equal(await at(), 200)
  v.configure()
  await v.reload()
  assert.equal(await at(), 'refused')
  assert.equal((await ask(v, 'x')).status, 200)
})
