// SPDX-License-Identifier: Apache-2.0
// The admin surface: who may ask, what is answered, and that traffic's text stays text on every page.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import { test } from 'node:test'
import { chat, completion, stage, until } from './stage.mjs'

const hostile = '<script>window.pwned=1</script>"><img src=x onerror=alert(1)> \u202e\u0000é'
const rules = `pack: p
version: 1
rules:
  - {id: heron, on: answer, when: {pattern: 'hér(on|isson)'}, action: flag, message: "<b>birds</b> & beasts", severity: high, tests: [{answer: héron, expect: flag}, {answer: a, expect: allow}]}
`
async function scene(t, more = {}) {
  const s = await stage(t)
  const up = await s.upstream(c => c.json(completion(c.json_body.messages[0].content.includes('bird') ? `ein “héron” ${hostile}` : 'nothing')))
  const v = await s.vigie({ routes: [{ name: 'good', mount: '/openai', upstream: up.url, api: 'openai' }], rules, ...more })
  return { s, up, v }
}
const ask = (v, text, headers = {}) => v.fetch('/openai/v1/chat/completions', { ...chat(text), headers: { 'content-type': 'application/json', ...headers } }).then(r => r.text())
// fetch sets Host and Origin itself, so these go by hand.
const raw = (url, { method = 'GET', headers = {}, body = '' } = {}) => new Promise((done, fail) => {
  const r = http.request(url, { method, headers }, res => { let x = ''; res.on('data', d => { x += d }).on('end', () => done({ status: res.statusCode, headers: res.headers, text: x })) })
  r.on('error', fail)
  r.end(body)
})

test('JSON, filters, paging, reviews', async t => {
  const { v } = await scene(t)
  for (let i = 0; i < 7; i++) await ask(v, i % 2 ? `a bird ${i}` : `a stone ${i}`, { 'x-vigie-caller': `c${i}` })
  const get = async where => { const r = await fetch(v.admin + where); return { status: r.status, body: await r.json() } }
  await until('seven are listed', async () => (await get('/api/v1/exchanges')).body.exchanges.length === 7)
  const seen = []
  for (let next = ''; next !== null;) {
    const { body } = await get(`/api/v1/exchanges?limit=3${next && '&before=' + next}`)
    seen.push(...body.exchanges.map(x => x.id))
    next = body.next
  }
  assert.equal(new Set(seen).size, 7)
  assert.deepEqual([...seen].sort().reverse(), seen)
  assert.equal((await get('/api/v1/flags')).body.exchanges.length, 3)
  assert.equal((await get('/api/v1/exchanges?rule=heron&caller=c3')).body.exchanges.length, 1)
  for (const bad of ['limit=0', 'limit=-1', 'limit=1e9', 'limit=x', 'since=yesterdayish', 'verdict=nonsense', 'before=x', 'before=01AAAAAAAAAAAAAAAAAAAAAAAA', 'colour=red'])
    await get('/api/v1/exchanges?' + bad).then(r => assert.ok(r.status === 400 && r.body.detail.includes(bad.split('=')[0]), `${bad}: ${r.status} ${JSON.stringify(r.body)}`))
  for (const odd of ['text="%20OR%201=1--', "route=';DROP%20TABLE%20exchanges;--", 'text=NEAR(a%20b)*', 'rule=%00'])
    assert.ok((await get('/api/v1/exchanges?' + odd)).status < 500, odd)
  const id = (await get('/api/v1/flags')).body.exchanges[0].id
  const one = (await get('/api/v1/exchanges/' + id)).body
  const f = one.findings[0], answer = JSON.parse(one.answer).choices[0].message.content
  assert.equal(Buffer.from(answer).subarray(f.start, f.end).toString(), 'héron')
  assert.equal((await get('/api/v1/exchanges/01AAAAAAAAAAAAAAAAAAAAAAAA')).status, 404)
  const review = await raw(`${v.admin}/api/v1/exchanges/${id}/review`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"review":"false_alarm","note":"a bird after all"}' })
  assert.equal(review.status, 200, review.text)
  assert.deepEqual((await get('/api/v1/rules')).body.rules.filter(r => r.id === 'heron').map(r => [r.hits, r.false_alarms]), [[3, 1]])
  for (const where of ['drift', 'routes', 'baselines', 'alarms']) assert.equal((await get('/api/v1/' + where)).status, 200)
  assert.equal((await get('/api/v1/labels')).status, 404)
})

test('what traffic says stays text; findings are marked at the letter; both languages', async t => {
  const { v } = await scene(t)
  await ask(v, 'bird ' + hostile, { 'x-vigie-caller': '<i>caller</i>' })
  const id = (await until('it is flagged', async () => (await (await fetch(v.admin + '/api/v1/flags')).json()).exchanges[0])).id
  for (const where of ['/', '/flags', '/exchanges', `/exchange/${id}`, '/drift', '/rules', '/flags?text=%3Cscript%3E', '/nosuch']) {
    const r = await fetch(v.admin + where), html = await r.text()
    assert.ok(!/<script>window|<img|<i>caller|<b>birds/.test(html), where)
    assert.match(r.headers.get('content-security-policy'), /default-src 'none'/)
    assert.ok(!/(src|href)="https?:/.test(html), where)
  }
  assert.match(await (await fetch(`${v.admin}/exchange/${id}`)).text(), /“<mark title="[^"]*">héron<\/mark>”/)
  assert.match(await (await fetch(v.admin + '/flags', { headers: { 'accept-language': 'fr-FR,fr;q=0.9' } })).text(), /<html lang="fr">[^]*Échanges signalés/)
  const html = v.run('report', '-c', 'vigie.yaml', '--html')
  assert.equal(html.code, 0, html.err)
  assert.ok(html.out.includes('<mark') && !/<script|<img|<i>caller/.test(html.out))
  assert.equal(JSON.parse(v.run('report', '-c', 'vigie.yaml', '--json').out).rules[0].id, 'heron')
  await ask(v, '=1+1 bird')
  assert.ok(v.run('report', '-c', 'vigie.yaml', '--csv').out.includes(`"'=1+1 bird"`))
})

test('who may ask: names, origins, token, session', async t => {
  const { s, up, v } = await scene(t)
  assert.equal((await raw(v.admin + '/', { headers: { host: 'evil.example' } })).status, 421)
  assert.equal((await raw(v.admin + '/healthz', { headers: { host: 'evil.example' } })).status, 200)
  const post = headers => raw(v.admin + '/api/v1/reload', { method: 'POST', headers })
  assert.equal((await post({ origin: 'http://evil.example' })).status, 403)
  assert.equal((await post({ 'sec-fetch-site': 'cross-site' })).status, 403)
  assert.equal((await post({})).status, 200)
  assert.equal((await raw(v.admin + '/api/v1/reload')).status, 404)
  fs.writeFileSync(path.join(v.dir, 'rules.yaml'), 'rules: [{id: x, onn: answer}]')
  const broken = await post({})
  assert.equal(broken.status, 422)
  assert.ok(JSON.parse(broken.text).problems.some(p => p.line === 1 && /onn/.test(p.what)))
  const w = await s.vigie({ routes: [{ mount: '/openai', upstream: up.url, api: 'openai' }], admin: '{listen: 127.0.0.1:0, token: sesame-sesame-sesame}' })
  const at = (where, headers = {}) => raw(w.admin + where, { headers })
  for (const where of ['/', '/metrics', '/api/v1/exchanges', '/api/v1/events']) assert.equal((await at(where)).status, 401, where)
  assert.equal((await at('/', { accept: 'text/html' })).headers.location, '/login')
  assert.equal((await at('/metrics', { authorization: 'Bearer sesame-sesame-sesame' })).status, 200)
  assert.equal((await at('/metrics', { authorization: 'Bearer sesame-sesame-sesamf' })).status, 401)
  for (const open of ['/healthz', '/readyz', '/login']) assert.equal((await at(open)).status, 200)
  const form = body => raw(w.admin + '/login', { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body })
  assert.equal((await form('token=wrong')).status, 403)
  const cookie = (await form('token=sesame-sesame-sesame')).headers['set-cookie'][0]
  assert.match(cookie, /HttpOnly; SameSite=Strict/)
  assert.equal((await at('/', { cookie: cookie.split(';')[0] })).status, 200)
  await raw(w.admin + '/logout', { method: 'POST', headers: { cookie: cookie.split(';')[0] } })
  assert.equal((await at('/', { cookie: cookie.split(';')[0] })).status, 401)
})
