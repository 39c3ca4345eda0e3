// SPDX-License-Identifier: Apache-2.0
// Limits: what each does when it is reached, and that who reaches one harms nobody else.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import crypto from 'node:crypto'
import dgram from 'node:dgram'
import fs from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import path from 'node:path'
import { test } from 'node:test'
import { binary, chat, completion, Gate, stage, until } from './stage.mjs'

const where = '/openai/v1/chat/completions'
const route = (up, more = {}) => ({ name: 'r', mount: '/openai', upstream: up.url ?? up, api: 'openai', ...more })
const post = (v, options) => v.fetch(where, options)
const block = `pack: p
version: 1
rules:
  - {id: no-keys, on: answer, when: {check: secrets}, action: block, message: "The answer held a credential.", severity: high, tests: [{answer: a, expect: allow}]}
  - {id: no-gold, on: answer, when: {pattern: 'gold[0-9]+'}, action: block, message: "No gold.", severity: high, tests: [{answer: gold1, expect: block}, {answer: a, expect: allow}]}
  - {id: hide-silver, on: answer, when: {pattern: 'silver[0-9]+'}, action: redact, message: "No silver.", severity: low, tests: [{answer: silver1, expect: redact}, {answer: a, expect: allow}]}
`

test('hold: an answer longer than a blocking rule may hold is refused, a shorter one passes', async t => {
  const s = await stage(t)
  const up = await s.upstream(c => c.json(completion('x'.repeat(Number(c.json_body.messages[0].content)))))
  const v = await s.vigie({ routes: [route(up, { limits: { hold: '64k' } })], rules: block })
  const short = await post(v, chat('50000'))
  assert.equal((await short.json()).choices[0].message.content.length, 50000)
  const long = await post(v, chat('70000'))
  assert.deepEqual([long.status, long.headers.get('x-vigie-error')], [502, 'answer_too_large_to_check'])
  assert.match((await long.json()).error.message, /limits\.hold/)
  assert.equal((await until('both are recorded', () => { const r = v.records(); return r.length === 2 && r }))[0].error, 'answer_too_large_to_check')
})

test('keep: bodies past it pass whole, their record keeps the beginning and a hash of the whole', async t => {
  const s = await stage(t)
  const text = Array.from({ length: 9000 }, (_, i) => `word ${i}`).join(' ')
  const up = await s.upstream(c => { up.hash = crypto.createHash('sha256').update(c.body).digest('hex'); c.json(completion(text)) })
  const v = await s.vigie({ routes: [route(up, { limits: { keep: '10k' } })] })
  const asked = chat(text), r = await post(v, asked), answer = await r.text()
  assert.equal(JSON.parse(answer).choices[0].message.content, text)
  const sha = x => crypto.createHash('sha256').update(x).digest('hex')
  assert.equal(up.hash, sha(asked.body))
  const id = (await until('it is recorded', () => v.records()[0])).id
  const rec = await (await fetch(`${v.admin}/api/v1/exchanges/${id}`)).json()
  assert.equal(rec.request.length, 10240)
  assert.equal(rec.answer.length, 10240)
  assert.ok(asked.body.startsWith(rec.request) && answer.startsWith(rec.answer))
  assert.deepEqual([rec.request_cut ?? rec.is_request_cut, rec.answer_cut ?? rec.is_answer_cut], [true, true])
  assert.deepEqual([rec.request_sha256, rec.answer_sha256], [sha(asked.body), sha(answer)])
  assert.deepEqual([rec.request_bytes, rec.answer_bytes], [asked.body.length, answer.length])
  assert.match(await (await fetch(`${v.admin}/exchange/${id}`)).text(), /not kept whole/)
})

test('between_bytes: an answer that pauses for longer is cut, and looks cut', async t => {
  const s = await stage(t), gate = new Gate()
  const up = await s.upstream(async c => {
    if (c.body.includes('whole')) { await c.openai('a', 'b'); return }
    if (c.body.includes('length')) { c.res.writeHead(200, { 'content-type': 'application/json', 'content-length': 1000 }); c.res.write('{"a":'); await gate.opened; return }
    await c.openai('the first', gate, 'never')
  })
  t.after(() => gate.open())
  const v = await s.vigie({ routes: [route(up, { limits: { between_bytes: '300ms' } })] })
  for (const kind of ['stream', 'length']) {
    const r = await post(v, chat(kind, { stream: true }))
    assert.equal(r.status, 200)
    await assert.rejects(r.text(), kind)
  }
  assert.match(await (await post(v, chat('whole', { stream: true }))).text(), /\[DONE\]/)
  const records = await until('all are recorded', () => { const r = v.records(); return r.length === 3 && r })
  assert.deepEqual(records.map(r => r.error ?? '').reverse(), ['upstream_timeout', 'upstream_timeout', ''])
})

test('connect: an upstream that does not accept is given up in time, the next one is tried', async t => {
  const s = await stage(t)
  // A listener whose queue is full and never emptied: further connections are not answered.
  const full = spawn('python3', ['-c', 'import socket,sys,time\ns=socket.socket();s.bind(("127.0.0.1",0));s.listen(0)\nc=[]\nfor i in range(4):\n k=socket.socket();k.setblocking(False)\n try: k.connect(s.getsockname())\n except BlockingIOError: pass\n c.append(k)\nprint(s.getsockname()[1],flush=True)\ntime.sleep(600)'], { stdio: ['ignore', 'pipe', 'ignore'] })
  t.after(() => full.kill('SIGKILL'))
  const port = await new Promise((done, fail) => { full.on('error', fail); full.stdout.once('data', d => done(Number(d))) })
  const up = await s.upstream(c => c.json(completion('from the other')))
  const dead = `http://127.0.0.1:${port}`
  const v = await s.vigie({ routes: [route(dead, { limits: { connect: '200ms' } }), route(up, { name: 'two', mount: '/two', limits: { connect: '200ms' }, upstream: [{ url: dead, weight: 1000 }, { url: up.url, weight: 1 }] })] })
  const r = await post(v, chat('hello'))
  assert.deepEqual([r.status, r.headers.get('x-vigie-error')], [504, 'upstream_connect_timeout'])
  await r.text()
  for (let i = 0; i < 3; i++) assert.match(await (await v.fetch('/two/v1/chat/completions', chat('hello'))).text(), /from the other/)
})

test('a body that comes too slowly is refused: after a pause, and by its pace over all', async t => {
  const s = await stage(t)
  const up = await s.upstream(c => c.json(completion('fine')))
  const v = await s.vigie({ routes: [route(up)], config: 'limits: {head: 2s, body_rate: 1k}' })
  const head = n => `POST ${where} HTTP/1.1\r\nHost: v\r\nContent-Type: application/json\r\nContent-Length: ${n}\r\n\r\n`
  const drip = async (c, bytes, every) => { while (!c.closed && !c.got) { await c.send(bytes).catch(() => {}); await new Promise(k => setTimeout(k, every)) } }
  for (const [bytes, every] of [['', 50], ['x', 100]]) {
    const c = await v.socket()
    await c.send(head(100000) + '{')
    await drip(c, bytes, every)
    await c.until('it is refused', c => c.got.includes('408') && c.closed)
    assert.match(c.got, /x-vigie-error: request_timeout/)
  }
  // A pace above it is fine, however long it takes.
  const body = chat('x'.repeat(12000)).body, c = await v.socket()
  await c.send(head(body.length))
  for (let at = 0; at < body.length; at += 500) { await c.send(body.slice(at, at + 500)); await new Promise(k => setTimeout(k, 100)) }
  await c.until('it is answered', c => c.got.includes('fine'))
  // A head byte by byte is bounded as well.
  const slow = await v.socket()
  await slow.send('POST ')
  await drip(slow, 'x', 100)
  await slow.until('it is refused', c => c.got.startsWith('HTTP/1.1 408') && c.closed)
})

test('two thousand idle connections do no harm', async t => {
  const s = await stage(t)
  const up = await s.upstream(c => c.json(completion('fine')))
  const v = await s.vigie({ routes: [route(up)], config: 'record: async' })
  const idle = []
  t.after(() => idle.forEach(x => x.destroy()))
  const request = `POST ${where} HTTP/1.1\r\nHost: v\r\nContent-Length: 2\r\n\r\n{}`
  for (let i = 0; i < 2000; i++) {
    const socket = net.connect(v.port, '127.0.0.1')
    socket.got = ''
    socket.on('error', () => {}).on('data', d => { socket.got += d })
    await new Promise(k => socket.once('connect', k))
    if (i % 2) socket.write(request)
    idle.push(socket)
  }
  await until('half of them were answered', () => idle.every((x, i) => i % 2 === 0 || x.got.includes('fine')))
  assert.ok(await v.metric('vigie_connections_open') >= 2000)
  for (let i = 0; i < 100; i++) assert.equal((await (await post(v, chat('hello'))).json()).choices[0].message.content, 'fine')
  // Each of them still serves.
  idle.forEach(x => { x.got = ''; x.write(request) })
  await until('all are answered', () => idle.every(x => x.got.includes('fine')))
  assert.equal((await v.stop()).code, 0)
})

test('with few descriptors callers are turned away or wait, and it serves again when some are free', async t => {
  const s = await stage(t)
  const up = await s.upstream(c => c.json(completion('fine')))
  const dir = fs.mkdtempSync(path.join(path.dirname((await s.vigie({ routes: [route(up)] })).dir), 'few-'))
  fs.writeFileSync(path.join(dir, 'vigie.yaml'), `listen: 127.0.0.1:0\nadmin: {listen: 127.0.0.1:0}\nworkers: 2\ndata: data\nroutes:\n  - ${JSON.stringify(route(up))}\n`)
  const few = spawn('sh', ['-c', 'ulimit -n 64; exec "$0" serve -c vigie.yaml', binary], { cwd: dir, stdio: ['ignore', 'ignore', 'pipe'] })
  let log = '', ended = null
  few.stderr.on('data', d => { log += d })
  few.on('exit', (code, signal) => { ended = { code, signal } })
  t.after(() => few.kill('SIGKILL'))
  const port = Number((await until('it listens or says why not', () => log.match(/ listening host=\S+ port=(\d+)/) ?? (ended && ['', 0])))[1])
  if (ended) { assert.equal(ended.code, 2); assert.match(log, /descriptors|files/i); return }
  const held = []
  for (let i = 0; i < 80; i++) { const c = net.connect(port, '127.0.0.1'); c.on('error', () => {}); held.push(c) }
  await until('it says that it has none left', () => log.includes('descriptors_exhausted'))
  const cpu = () => { const f = fs.readFileSync(`/proc/${few.pid}/stat`, 'utf8').split(') ')[1].split(' '); return Number(f[11]) + Number(f[12]) }
  const before = cpu()
  await new Promise(k => setTimeout(k, 2000))
  assert.ok(cpu() - before < 100, `it spins: ${cpu() - before} ticks in 2 s`) // of 400 on two cores
  held.forEach(c => c.destroy())
  await until('it serves again', async () => { try { return (await (await fetch(`http://127.0.0.1:${port}${where}`, chat('hello'))).text()).includes('fine') } catch { return false } })
  assert.equal(ended, null)
  few.kill('SIGTERM')
  await until('it ends', () => ended)
  assert.deepEqual(ended, { code: 0, signal: null })
})

test('a hundred megabytes pass and are recorded, up to keep and by hash', async t => {
  const s = await stage(t), most = 100 << 20
  const up = await s.upstream(c => { up.hash = crypto.createHash('sha256').update(c.body).digest('hex'); c.json(completion('fine')) })
  const v = await s.vigie({ routes: [route(up, { limits: { body: '128m' } })] })
  const body = Buffer.from(JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'a long letter '.repeat(most / 14) }] }))
  const r = await post(v, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  assert.match(await r.text(), /fine/)
  const hash = crypto.createHash('sha256').update(body).digest('hex')
  assert.equal(up.hash, hash)
  const id = (await until('it is recorded', () => v.records()[0])).id
  const rec = await (await fetch(`${v.admin}/api/v1/exchanges/${id}`)).json()
  assert.deepEqual([rec.request_bytes, rec.request_sha256, rec.request.length], [body.length, hash, 1 << 20])
  const over = await post(v, { method: 'POST', headers: { 'content-type': 'application/json' }, body: Buffer.alloc(129 << 20, 32) }).catch(e => e)
  assert.ok(over instanceof Error || over.status === 413)
  assert.equal(v.run('verify', '-c', 'vigie.yaml').code, 0)
})

test('a second SIGTERM ends at once', async t => {
  const s = await stage(t), gate = new Gate()
  const up = await s.upstream(c => c.body.includes('short') ? c.json(completion('fine')) : c.openai('begun', gate, 'end'))
  t.after(() => gate.open())
  const v = await s.vigie({ routes: [route(up)], config: 'limits: {drain: 1h}' })
  await (await post(v, chat('short'))).text()
  const r = await post(v, chat('hello', { stream: true }))
  const text = r.text().catch(() => 'cut')
  await until('the answer has begun', () => up.calls.length === 2)
  v.process.kill('SIGTERM')
  await until('it drains', () => v.log.includes('draining'))
  assert.equal(v.ended, undefined)
  v.process.kill('SIGTERM')
  await v.exit
  assert.notEqual(await text, '')
  assert.equal(v.run('verify', '-c', 'vigie.yaml').code, 0)
})

test('a name that resolves slowly or not at all holds up nobody else', async t => {
  const s = await stage(t)
  const up = await s.upstream(c => c.json(completion('fine')))
  const v = await s.vigie({ routes: [route(up), route('http://name-that-is-not-there.invalid:80', { name: 'lost', mount: '/lost', limits: { connect: '2s' } })] })
  const lost = Array.from({ length: 8 }, () => v.fetch('/lost/v1/chat/completions', chat('hello')).then(async r => { await r.text(); return r.status }))
  for (let i = 0; i < 30; i++) assert.match(await (await post(v, chat('hello'))).text(), /fine/)
  for (const status of await Promise.all(lost)) assert.ok([502, 504].includes(status), status)
})

test('HEAD with a body', async t => {
  const s = await stage(t)
  const up = await s.upstream(c => { up.body = c.body; c.res.writeHead(200, { 'content-type': 'text/plain', 'content-length': 5 }); c.res.end(c.method === 'HEAD' ? undefined : 'hello') })
  const v = await s.vigie({ routes: [route(up, { mount: '/', api: 'raw' })] })
  const c = await v.socket()
  for (let i = 1; i <= 2; i++) {
    await c.send('HEAD /x HTTP/1.1\r\nHost: v\r\nContent-Length: 4\r\n\r\nbody')
    await c.until('it is answered', c => c.got.split('HTTP/1.1 200').length === i + 1 && c.got.endsWith('\r\n\r\n'))
    assert.equal(up.body, 'body')
  }
  await c.send('GET /x HTTP/1.1\r\nHost: v\r\n\r\n')
  await c.until('the connection goes on', c => c.got.endsWith('\r\n\r\nhello'))
})

test('rules hold on the bodies of errors too', async t => {
  const s = await stage(t)
  const key = 'AKIA' + 'QX7RTWZ5MN2PLK4J'
  const up = await s.upstream(c => {
    const [status, type, text] = JSON.parse(c.json_body.messages[0].content)
    c.res.writeHead(status, { 'content-type': type })
    c.res.end(text)
  })
  const v = await s.vigie({ routes: [route(up)], rules: block })
  const get = async (...what) => { const r = await post(v, chat(JSON.stringify(what))); return { status: r.status, rule: r.headers.get('x-vigie-rule'), text: await r.text() } }
  const error = message => JSON.stringify({ error: { message, type: 'server_error' } })
  // What holds nothing passes byte for byte.
  for (const [status, type, text] of [[500, 'application/json', error('upstream failed')], [429, 'application/json', error('I cannot help with that now')], [502, 'text/html', '<html><h1>Bad Gateway</h1></html>'], [404, 'text/plain', 'nothing here'], [503, 'application/json', ''], [401, 'application/json', 'plain words'], [400, 'application/json', '{}']])
    assert.deepEqual(await get(status, type, text), { status, rule: null, text })
  for (const [type, text, rule] of [['application/json', error(`bad key ${key}`), 'no-keys'], ['text/html', `<pre>Traceback: aws_access_key_id = ${key}</pre>`, 'no-keys'], ['application/json', error('gold1').replace('gold', 'g\\u006fld'), 'no-gold'], ['text/plain', 'about gold77', 'no-gold']]) {
    const r = await get(500, type, text)
    assert.deepEqual([r.status, r.rule], [403, rule], text)
    assert.ok(!r.text.includes(key) && !/g\\u006fld1|gold77/.test(r.text), text)
  }
  const redacted = await get(500, 'application/json', error('about silver12 and more'))
  assert.equal(redacted.status, 500)
  assert.ok(!redacted.text.includes('silver12') && redacted.text.includes('and more'))
  const blocked = await until('all are recorded', () => { const r = v.records('--verdict', 'block'); return r.length === 4 && r })
  assert.ok(blocked.every(r => r.upstream_status === 500))
  assert.match(await (await fetch(`${v.admin}/exchange/${blocked[0].id}`)).text(), /<mark[^>]*>gold77<\/mark>/)
})
