// SPDX-License-Identifier: Apache-2.0
// Faults of the field: many, slow and gone; upstreams that close, swallow and stall; limits that hold.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import { test } from 'node:test'
import { Gate, chat, completion, stage, until } from './stage.mjs'

const raw = (up, more = {}) => [{ mount: '/', upstream: up.url, api: 'raw', ...more }]
const rss = v => Number(fs.readFileSync(`/proc/${v.process.pid}/status`, 'utf8').match(/VmRSS:\s+(\d+)/)[1])
const descriptors = v => fs.readdirSync(`/proc/${v.process.pid}/fd`).length

test('a pooled connection that ends without a word: a POST is not sent twice, a GET is', async t => {
  const s = await stage(t)
  const seen = { POST: 0, GET: 0 }
  const up = await s.raw_upstream((socket, head) => {
    const [method, path] = head.split(' ')
    if (path === '/trap') { seen[method]++; if (socket.used) return socket.end() }
    socket.used = true
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfine')
  })
  const v = await s.vigie({ routes: raw(up) })
  const c = await v.socket()
  await c.send('GET /warm HTTP/1.1\r\nHost: a\r\n\r\n')
  await c.until('warm', x => x.got.endsWith('fine'))
  c.got = ''
  await c.send('POST /trap HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi')
  await c.until('502', x => /^HTTP\/1\.1 502 [^]*upstream_cut/.test(x.got))
  assert.equal(seen.POST, 1)
  const d = await v.socket()
  await d.send('GET /warm HTTP/1.1\r\nHost: a\r\n\r\n')
  await d.until('warm', x => x.got.endsWith('fine'))
  await d.send('GET /trap HTTP/1.1\r\nHost: a\r\n\r\n')
  await d.until('served again', x => x.got.match(/fine/g).length === 2)
  assert.equal(seen.GET, 2)
})

test('a client that sends requests and takes no answers costs bounded memory, and gets them all in the end', async t => {
  const s = await stage(t)
  const up = await s.upstream(c => c.json('"' + 'y'.repeat(8000) + '"'))
  const v = await s.vigie({ routes: raw(up, { record: 'off' }) })
  const c = await v.socket(), n = 6000
  c.socket.pause()
  const before = rss(v)
  c.socket.write('GET /one HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(n))
  for (let last = -1; last !== up.calls.length; await new Promise(k => setTimeout(k, 500))) last = up.calls.length
  assert.ok(up.calls.length < n, 'the row stands still')
  if (!process.env.SANITIZED) assert.ok(rss(v) - before < 15000, `${rss(v) - before} KB more`)   // a sanitizer keeps what is freed
  c.socket.resume()
  await until('all is answered', () => up.calls.length === n && c.got.length > n * 8000 && c.got.split('HTTP/1.1 200').length - 1 >= n)
  assert.equal(c.got.split('HTTP/1.1 200').length - 1, n)
})

test('an upstream that does not take the body is 504 in time, and not the client\'s fault', async t => {
  const s = await stage(t)
  const up = await s.raw_upstream(socket => socket.pause())
  const v = await s.vigie({ routes: [{ mount: '/', upstream: up.url, api: 'openai', limits: { first_byte: '1500ms', body: '400m' } }], config: 'limits: {head: 500ms}' })
  const body = Buffer.alloc(160_000_000, 'x'), c = await v.socket()
  c.send('POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 300000000\r\n\r\n')
  c.socket.write(body) // more than the kernel's buffers on both sides take on their own
  await c.until('answered', x => /^HTTP\/1\.1 504 [^]*upstream_timeout/.test(x.got))
})

test('SIGTERM loses nothing that is on its way; past the deadline streams are cut and the end is 0', async t => {
  const s = await stage(t)
  const big = 'x'.repeat(20_000_000), gate = new Gate()
  const up = await s.upstream(async c => { if (c.url === '/big') c.json(big); else { c.begin(); await c.write('data: 1\n\n'); await gate.opened } })
  const v = await s.vigie({ routes: raw(up, { record: 'off' }), config: 'limits: {drain: 6s}' })
  const c = await v.socket(), d = await v.socket()
  c.socket.pause()
  await c.send('GET /big HTTP/1.1\r\nHost: a\r\n\r\n')
  await d.send('GET /stream HTTP/1.1\r\nHost: a\r\n\r\n')
  await d.until('begun', x => x.got.includes('data: 1'))
  v.process.kill('SIGTERM')
  await new Promise(k => setTimeout(k, 200))
  c.socket.resume()
  await c.until('whole', x => x.got.length > 20_000_000)
  assert.deepEqual(await v.exit, { code: 0, signal: null })
  assert.doesNotMatch(d.got, /\r\n0\r\n\r\n$/)
})

test('clients that leave at every moment leave nothing behind', async t => {
  const s = await stage(t)
  const up = await s.upstream(async c => { if (c.url.endsWith('/stream')) { c.begin(); await c.write('data: 1\n\n') } else if (!c.url.endsWith('/wait')) c.json(completion('ok')) })
  const v = await s.vigie({ routes: [{ mount: '/', upstream: up.url, api: 'openai' }] })
  await v.fetch('/v1/chat/completions', chat('x'))
  const body = chat('x').body, post = path => `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`
  for (let i = 0; i < 400; i++) {
    const c = await v.socket()
    await c.send([post('/v1/chat/completions').slice(0, 20), post('/v1/chat/completions') + body.slice(0, 9), post('/wait') + body, post('/stream') + body, post('/v1/chat/completions') + body][i % 5])
    if (i % 3 === 0) await new Promise(k => setTimeout(k, 3))
    i % 2 ? c.close() : c.socket.resetAndDestroy()
  }
  await until('no exchange is left', async () => await v.metric('vigie_exchanges_open') === 0 && await v.metric('vigie_connections_open') === 0)
  await until('descriptors are back', () => descriptors(v) < 80)
})

test('limits of connections, head and trickles: documented answers, others served', async t => {
  const s = await stage(t)
  const up = await s.upstream(c => c.json(completion('ok')))
  const v = await s.vigie({ routes: [{ mount: '/', upstream: up.url, api: 'openai', limits: { body: '1k' } }], config: 'limits: {connections: 2, header: 2k, idle: 400ms, head: 400ms}' })
  const big = await v.fetch('/v1/chat/completions', chat('x'.repeat(2000)))
  assert.deepEqual([big.status, big.headers.get('x-vigie-error'), typeof (await big.json()).error.message], [413, 'request_too_large', 'string'])
  const c = await v.socket()
  await c.send(`GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(3000)}\r\n\r\n`)
  await c.until('431', x => x.closed && /^HTTP\/1\.1 431 /.test(x.got))
  const many = []
  for (let i = 0; i < 8; i++) many.push(await v.socket())
  await until('turned away', () => many.some(x => /^HTTP\/1\.1 503 /.test(x.got)))
  const turned = many.find(x => x.got), at = turned.got.indexOf('\r\n\r\n') + 4
  assert.equal(turned.got.length - at, Number(turned.got.match(/content-length: (\d+)/)[1]))
  JSON.parse(turned.got.slice(at))
  await until('the idle are closed', () => many.every(x => x.closed))
  assert.equal((await v.fetch('/v1/chat/completions', chat('x'))).status, 200)
})
