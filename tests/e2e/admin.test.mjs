// SPDX-License-Identifier: Apache-2.0
// The admin surface: who may ask, what is answered, and that traffic's text stays text on every page.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import http from 'node:http'
import net from 'node:net'
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
  const reload = await raw(v.admin + '/api/v1/reload')
  assert.deepEqual([reload.status, reload.headers.allow], [405, 'POST'])
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

test('each path names the methods that it takes', async t => {
  const { v } = await scene(t)
  await ask(v, 'a bird')
  const id = (await until('it is flagged', async () => (await (await fetch(v.admin + '/api/v1/flags')).json()).exchanges[0])).id
  const read = ['/', '/flags', '/exchanges', '/drift', '/rules', `/exchange/${id}`, '/metrics', '/healthz', '/readyz', '/assets/vigie.css', '/assets/vigie.js', '/assets/vigie.svg',
    ...['exchanges', `exchanges/${id}`, 'flags', 'alarms', 'drift', 'baselines', 'rules', 'routes', 'events'].map(x => '/api/v1/' + x)]
  const change = ['/logout', '/api/v1/reload', `/api/v1/exchanges/${id}/review`, `/exchange/${id}/review`]
  for (const [paths, allow, others] of [[read, 'GET, HEAD', ['PUT', 'DELETE', 'PATCH', 'POST', 'OPTIONS', 'TRACE']], [change, 'POST', ['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']], [['/login'], 'GET, HEAD, POST', ['PUT', 'DELETE', 'PATCH']]])
    for (const path of paths)
      for (const method of others) {
        const r = await raw(v.admin + path, { method })
        assert.deepEqual([r.status, r.headers.allow], [405, allow], `${method} ${path}`)
        if (method !== 'HEAD') assert.equal(JSON.parse(r.text).status, 405)
      }
  for (const method of ['PUT', 'POST', 'DELETE']) assert.equal((await raw(v.admin + '/api/v1/nothing', { method })).status, 404)
  // A head is the answer without its body, and the connection goes on after it.
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  t.after(() => agent.destroy())
  for (let i = 0; i < 3; i++)
    for (const path of read.filter(x => !x.endsWith('events'))) {
      const r = await new Promise((done, fail) => http.request(v.admin + path, { method: 'HEAD', agent }, res => { let x = ''; res.on('data', d => { x += d }).on('end', () => done({ status: res.statusCode, x })) }).on('error', fail).end())
      assert.deepEqual(r, { status: 200, x: '' }, `HEAD ${path}`)
    }
})

test('the shapes of the JSON resources', async t => {
  const { v } = await scene(t)
  for (let i = 0; i < 3; i++) await ask(v, `a bird ${i}`, { 'x-vigie-caller': 'robin', 'x-vigie-session': 's1', 'x-vigie-join': `j${i}` })
  const get = async where => { const r = await fetch(`${v.admin}/api/v1/${where}`); assert.equal(r.status, 200, where); assert.match(r.headers.get('content-type'), /^application\/json/); return r.json() }
  const { exchanges } = await until('three are listed', async () => { const x = await get('exchanges'); return x.exchanges.length === 3 && x })
  const is = (value, type, where) => assert.equal(Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value, type, where)
  const shaped = (value, shape, where) => { for (const [key, type] of Object.entries(shape)) is(value[key], type, `${where}.${key}`) }
  for (const x of [...exchanges, await get('exchanges/' + exchanges[0].id)])
    shaped(x, { id: 'string', at: 'string', route: 'string', api: 'string', model: 'string', caller: 'string', session: 'string', join: 'string', method: 'string', path: 'string', status: 'number', verdict: 'string',
      rule: 'string', rules: 'array', findings: 'array', scores: 'object', question: 'string', total_us: 'number', input_tokens: 'number', output_tokens: 'number' }, 'exchange')
  shaped(exchanges[0].findings[0], { rule: 'string', check: 'string', on: 'string', score: 'number', start: 'number', end: 'number', text: 'string', message: 'string' }, 'finding')
  assert.ok(!('answer' in exchanges[0]), 'lists have no bodies')
  assert.equal((await get('exchanges?session=s1&join=j2')).exchanges.length, 1)
  for (const r of (await get('routes')).routes) shaped(r, { name: 'string', upstreams: 'array', api: 'string', record: 'string', rules: 'number' }, 'route')
  const drift = await get('drift')
  is(drift.routes, 'array', 'drift.routes')
  assert.deepEqual(drift.routes.map(r => r.route), ['good'])
  shaped(drift.routes[0].watch, { state: 'string', what: 'string', baseline: 'object', window: 'object' }, 'watch')
  for (const b of (await get('baselines')).baselines) { shaped(b, { route: 'string', state: 'string', observations: 'object' }, 'baseline'); shaped(b.observations, { have: 'number', want: 'number' }, 'observations') }
  assert.deepEqual(await get('alarms'), { alarms: [] })
  for (const r of (await get('rules')).rules) shaped(r, { id: 'string', pack: 'string', action: 'string', severity: 'string', message: 'string', hits: 'number', false_alarms: 'number' }, 'rule')
  for (const where of ['nothing', 'exchanges/x', 'exchanges?limit=x']) {
    const r = await fetch(`${v.admin}/api/v1/${where}`)
    assert.equal(r.headers.get('content-type'), 'application/problem+json')
    shaped(await r.json(), { type: 'string', status: 'number', title: 'string', detail: 'string' }, where)
  }
})

// A listener on /api/v1/events: what came, event by event.
async function listen(t, v) {
  const l = { events: [], text: '', closed: false }
  await new Promise((done, fail) => {
    const r = http.get(v.admin + '/api/v1/events', { agent: false }, res => {
      l.status = res.statusCode
      l.type = res.headers['content-type']
      res.on('data', d => {
        l.text += d
        const parts = l.text.split('\n\n')
        l.text = parts.pop()
        for (const p of parts) l.events.push(Object.fromEntries(p.split('\n').map(x => [x.slice(0, x.indexOf(':')), x.slice(x.indexOf(':') + 1).trim()])))
      })
      res.on('close', () => { l.closed = true })
      done()
    })
    r.on('error', fail)
    l.close = () => r.destroy()
  })
  t.after(() => l.close())
  return l
}
test('events: each flag once to each listener, sixteen at most, a place is free again', async t => {
  const { v } = await scene(t)
  await ask(v, 'a bird before')
  await until('it is listed', async () => (await (await fetch(v.admin + '/api/v1/flags')).json()).exchanges.length === 1)
  const all = []
  for (let i = 0; i < 16; i++) all.push(await listen(t, v))
  assert.equal(all[0].type, 'text/event-stream')
  assert.equal((await fetch(v.admin + '/api/v1/events')).status, 503)
  const flags = l => l.events.filter(e => e.event === 'flag')
  for (let i = 0; i < 3; i++) {
    await ask(v, `a bird ${i}`)
    await ask(v, 'a stone')
    await until(`flag ${i} is told to all`, () => all.every(l => flags(l).length === i + 1))
  }
  const ids = (await (await fetch(v.admin + '/api/v1/flags')).json()).exchanges.map(x => x.id)
  for (const l of all) {
    assert.deepEqual(flags(l).map(e => e.id), ids.slice(0, 3).reverse())
    assert.deepEqual(flags(l).map(e => JSON.parse(e.data)).map(d => [d.verdict, d.rule]), Array(3).fill(['flag', 'heron']))
  }
  all[0].close()
  await until('there is room', async () => { const l = await listen(t, v); if (l.status !== 200) return false; all[0] = l; return true })
  assert.equal((await v.stop()).code, 0)
  await until('all are told', () => all.every(l => l.closed))
})

test('who connects and says nothing keeps nobody out', async t => {
  const { v } = await scene(t)
  const silent = []
  for (let i = 0; i < 300; i++) {
    const socket = net.connect(v.admin_port, '127.0.0.1')
    socket.on('error', () => {})
    silent.push(socket)
    await new Promise(k => socket.once('connect', k))
    if (i % 3 === 0) socket.write('GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ')
  }
  t.after(() => silent.forEach(x => x.destroy()))
  for (let i = 0; i < 20; i++) assert.equal((await raw(v.admin + '/healthz')).status, 200)
  const open = fs.readdirSync(`/proc/${v.process.pid}/fd`).length
  assert.ok(open < 180, `${open} descriptors are open`)
  // Too much is refused before it is read whole.
  assert.equal((await raw(v.admin + '/login', { method: 'POST', body: 'token=' + 'x'.repeat(200000) }).catch(e => ({ status: 413 }))).status, 413)
  assert.ok([400, 413].includes((await raw(v.admin + '/flags', { headers: { 'x-long': 'y'.repeat(40000) } }).catch(e => ({ status: 413 }))).status))
  assert.equal((await raw(v.admin + '/flags?text=' + 'z'.repeat(9000))).status, 400)
  assert.equal((await post_reload(v)).status, 200)
})
const post_reload = v => raw(v.admin + '/api/v1/reload', { method: 'POST' })
