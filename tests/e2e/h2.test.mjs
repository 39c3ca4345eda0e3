// SPDX-License-Identifier: Apache-2.0
// HTTP/2 as clients speak it: the same exchanges, each on a stream of its own. block_h2 and proxy_h2 ask what the other protocol is asked.
import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import http2 from 'node:http2'
import { test } from 'node:test'
import { authority } from './certificates.mjs'
import { Gate, chat, completion, h2_call, stage, until } from './stage.mjs'

const post = (path = '/v1/chat/completions', more = {}) => ({ ':method': 'POST', ':path': path, 'content-type': 'application/json', ...more })
const all = [{ mount: '/', api: 'openai' }]
const routes = (up, more = {}) => all.map(r => ({ ...r, upstream: up.url, ...more }))

test('an upstream sees what it would see from HTTP/1.1, and the client all of its answer', async t => {
  const s = await stage(t)
  const up = await s.upstream(call => {
    call.res.writeEarlyHints?.({ link: '</a>; rel=preload' })
    call.res.writeHead(201, { 'Content-Type': 'text/plain', 'X-Twice': ['1', '2'], Connection: 'x-hop', 'X-Hop': 'h', 'Keep-Alive': 'timeout=9', trailer: 'x-sum' })
    call.res.write('one ')
    call.res.addTrailers({ 'x-sum': '42' })
    call.res.end('two')
  })
  const v = await s.vigie({ routes: routes(up, { api: 'raw' }) }), session = await v.h2()
  const r = await h2_call(session, { ':method': 'PATCH', ':path': '/a%2Fb?x[]=1', ':authority': 'A.test:80', cookie: ['a=1', 'b=2'], 'x-under_score': 'u', 'x-empty': '', te: 'trailers', 'x-vigie-caller': 'me' }, 'body')
  assert.equal(r.status, 201)
  assert.deepEqual(r.interim.map(h => h[':status']), [103])
  assert.equal(r.text, 'one two')
  assert.equal(r.trailers['x-sum'], '42')
  assert.equal(r.headers['x-twice'], '1, 2')
  for (const gone of ['connection', 'x-hop', 'keep-alive', 'transfer-encoding', 'trailer']) assert.equal(r.headers[gone], undefined, gone)
  const [call] = up.calls
  assert.deepEqual([call.method, call.url, call.body], ['PATCH', '/a%2Fb?x[]=1', 'body'])
  assert.deepEqual([call.headers.cookie, call.headers['x-under_score'], call.headers['x-empty'], call.headers.te, call.headers['x-vigie-caller']], ['a=1; b=2', 'u', '', undefined, undefined])
  assert.equal(call.headers['transfer-encoding'], 'chunked')
  assert.equal((await h2_call(session, post('/n', { 'content-length': 3 }), 'abc')).status, 201)
  assert.deepEqual([up.calls[1].headers['content-length'], up.calls[1].headers['transfer-encoding']], ['3', undefined])
  assert.equal((await h2_call(session, { ':path': '/g' })).status, 201)
  assert.deepEqual([up.calls[2].headers['content-length'], up.calls[2].headers['transfer-encoding']], [undefined, undefined])
  assert.equal(v.records().find(r => r.method === 'PATCH').caller, 'me')
  assert.equal(await v.metric('vigie_http2_connections_total'), 1)
})

test('by ALPN on TLS, and by curl and prior knowledge in clear', async t => {
  const s = await stage(t), ca = authority(s.folder, 'ca'), one = ca.sign('one', ['a.test']), alice = ca.sign('alice', [], { common: 'alice', client: true })
  const large = crypto.randomBytes(2 << 20)
  const up = await s.upstream(call => call.url === '/large' ? call.res.end(large) : call.json({ n: call.body.length }))
  const v = await s.vigie({ listen: ['127.0.0.1:0', { address: '127.0.0.1:0', tls: { certificate: one.certificate, key: one.key, client_ca: ca.certificate, client: 'optional' } }], routes: routes(up) })
  const session = await v.h2({ ca: ca.pem, servername: 'a.test', cert: alice.pem, key: alice.key_pem }, `https://127.0.0.1:${v.ports[1]}`)
  assert.equal(session.alpnProtocol, 'h2')
  const [a, b, c] = await Promise.all([h2_call(session, { ':path': '/large' }), h2_call(session, post('/up'), 'x'.repeat(1 << 20)), h2_call(session, { ':path': '/large' })])
  assert.ok(a.bytes.equals(large) && c.bytes.equals(large))
  assert.equal(b.text, '{"n":1048576}')
  assert.deepEqual([...new Set(v.records().map(r => r.caller))], ['cert:alice'])
  const curl = (...words) => new Promise(k => execFile('curl', ['-sS', '-o', '/dev/null', '-w', '%{http_version} %{http_code} %{size_download}', ...words], (e, out, err) => k(out + err)))
  assert.equal(await curl('--http2-prior-knowledge', v.url + '/large'), `2 200 ${large.length}`)
  assert.equal(await curl('--http2', '--cacert', ca.certificate, '--connect-to', `a.test:443:127.0.0.1:${v.ports[1]}`, 'https://a.test/large'), `2 200 ${large.length}`)
  assert.equal(await curl('--http1.1', '--cacert', ca.certificate, '--connect-to', `a.test:443:127.0.0.1:${v.ports[1]}`, 'https://a.test/large'), `1.1 200 ${large.length}`)
  // An upgrade that HTTP/1.1 offers is declined: an ordinary answer, and nothing of it goes upstream.
  assert.equal(await curl('--http2', v.url + '/x'), '1.1 200 7')
  const seen = up.calls.at(-1).headers
  assert.deepEqual([seen.upgrade, seen['http2-settings']], [undefined, undefined])
})

test('a hundred streams at once, each event as it came', async t => {
  const s = await stage(t), gate = new Gate()
  const up = await s.upstream(call => call.openai('Hello ' + call.headers['x-n'], gate, ' world'))
  const v = await s.vigie({ routes: routes(up) }), session = await v.h2()
  let first = 0
  const many = Array.from({ length: 100 }, (_, i) => {
    let told = false
    return h2_call(session, post(undefined, { 'x-n': String(i) }), chat('hi').body, text => { if (!told && text.includes('Hello ' + i)) { told = true; first++ } })
  })
  await until('all have begun, none has ended', () => first === 100)
  gate.open()
  for (const [i, r] of (await Promise.all(many)).entries()) {
    assert.ok(r.text.includes(`Hello ${i}"`) && r.text.endsWith('data: [DONE]\n\n'), r.text)
    assert.equal(r.cut, false)
  }
  assert.equal(v.records('--limit', '1000').length, 100, 'each whole answer is on record')
})

test('a cut is a reset, after all that came', async t => {
  const s = await stage(t)
  const up = await s.raw_upstream((socket, head) => {
    const path = head.split(' ')[1]
    if (path === '/length') socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf')
    else if (path === '/chunked') socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n')
    else if (path === '/bad') socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n')
    else if (path === '/head') socket.end('HTTP/1.1 200')
    else socket.end('HTTP/1.1 200 OK\r\n\r\nall of it')
  })
  const v = await s.vigie({ routes: routes(up, { api: 'raw' }) }), session = await v.h2()
  for (const path of ['/length', '/chunked', '/bad']) {
    const r = await h2_call(session, { ':path': path })
    assert.deepEqual([r.status, r.text, r.cut, r.code], [200, 'half', true, http2.constants.NGHTTP2_INTERNAL_ERROR], path)
  }
  assert.equal((await h2_call(session, { ':path': '/head' })).status, 502)
  const r = await h2_call(session, { ':path': '/close' })
  assert.deepEqual([r.text, r.cut], ['all of it', false])
})

test('HEAD, 204, 304 and empty answers end whole', async t => {
  const s = await stage(t)
  const up = await s.upstream(call => {
    if (call.url === '/204') call.res.writeHead(204)
    else if (call.url === '/304') call.res.writeHead(304, { etag: '"x"' })
    else call.res.writeHead(200, { 'content-length': call.method === 'HEAD' ? 12 : 0 })
    call.res.end()
  })
  for (const record of ['durable', 'off']) {
    const v = await s.vigie({ routes: routes(up, { api: 'raw', record }) }), session = await v.h2()
    for (const [method, path, status, length] of [['GET', '/204', 204], ['GET', '/304', 304], ['GET', '/', 200, '0'], ['HEAD', '/', 200, '12'], ['HEAD', '/none', 200, '12']]) {
      const r = await h2_call(session, { ':method': method, ':path': path })
      assert.deepEqual([r.status, r.headers['content-length'], r.text, r.cut], [status, length, '', false], `${method} ${path}`)
    }
  }
})

test('who reads slowly pauses his own upstream and nobody else', async t => {
  const s = await stage(t), size = 24 << 20
  let sent = 0
  const up = await s.upstream(async call => {
    if (call.url === '/small') return call.json({ ok: true })
    call.res.writeHead(200, { 'content-type': 'application/octet-stream' })
    const piece = Buffer.alloc(1 << 18, 'x')
    for (; sent < size; sent += piece.length) if (!call.res.write(piece)) await once(call.res, 'drain')
    call.res.end()
  })
  const v = await s.vigie({ routes: routes(up, { api: 'raw', record: 'off' }) }), session = await v.h2()
  const slow = session.request({ ':path': '/large' })
  await once(slow, 'response')
  let before = -1
  await until('the upstream stands still', async () => { const x = sent === before; before = sent; if (!x) await new Promise(k => setTimeout(k, 150)); return x && sent > 0 })
  assert.ok(sent < size - (4 << 20), `${sent} of ${size} were taken from the upstream`)
  assert.equal((await h2_call(session, { ':path': '/small' })).text, '{"ok":true}')
  let got = 0
  slow.on('data', d => { got += d.length })
  await once(slow, 'end')
  assert.equal(got, size)
})

test('an upstream that reads slowly stops its own request and nobody else', async t => {
  const s = await stage(t), gate = new Gate(), size = 16 << 20
  let taken = 0
  const up = await s.upstream(async call => {
    if (call.url === '/small') return call.json({ ok: true })
    call.req.pause()
    call.req.removeAllListeners('data')
    await gate.opened
    call.req.on('data', d => { taken += d.length }).on('end', () => call.json({ taken }))
    call.req.resume()
  }, { early: true })
  const v = await s.vigie({ config: 'limits: {body: 64m}', routes: routes(up, { api: 'raw', record: 'off' }) }), session = await v.h2()
  const slow = session.request({ ':method': 'POST', ':path': '/slow' }), piece = Buffer.alloc(1 << 16, 'y')
  let given = 0
  const feed = () => { while (given < size) { given += piece.length; if (!slow.write(piece)) return slow.once('drain', feed) } slow.end() }
  feed()
  let before = -1
  await until('the request stands still', async () => { const x = given === before; before = given; if (!x) await new Promise(k => setTimeout(k, 150)); return x })
  assert.ok(given < size, `all ${given} bytes were taken from the client`)
  assert.equal((await h2_call(session, { ':path': '/small' })).text, '{"ok":true}')
  gate.open()
  let text = ''
  slow.on('data', d => { text += d })
  await once(slow, 'end')
  assert.equal(text, JSON.stringify({ taken: size }))
})

test('a block before the first byte, and one in a stream', async t => {
  const s = await stage(t)
  const up = await s.upstream(call => call.openai('fine so far, ', 'the secret', ' and more'))
  const rules = 'pack: p\nversion: 1\nrules:\n  - {id: no-secret, on: answer, when: {words: [secret]}, action: block, message: not this}\n  - {id: no-bomb, on: prompt, when: {words: [bomb]}, action: block, message: not that}\n'
  const v = await s.vigie({ routes: routes(up), rules }), session = await v.h2()
  const before = await h2_call(session, post(), chat('a bomb').body)
  assert.deepEqual([before.status, before.headers['x-vigie-rule'], before.headers['x-should-retry'], before.cut], [403, 'no-bomb', 'false', false])
  assert.equal(up.calls.length, 0)
  const within = await h2_call(session, post(), chat('hi', { stream: true }).body)
  assert.equal(within.cut, false)
  assert.ok(within.text.includes('fine so far') && within.text.includes('not this') && !/the secret|and more/.test(within.text), within.text)
})

test('SIGTERM and a reload that closes the address: what began ends, the session is told', async t => {
  for (const how of ['stop', 'reload']) {
    const s = await stage(t), gate = new Gate()
    const up = await s.upstream(call => call.openai('begun', gate, 'done'))
    const v = await s.vigie({ listen: ['127.0.0.1:0', '127.0.0.1:0'], routes: routes(up) }), session = await v.h2()
    let text = '', goaway = false
    session.on('goaway', code => { goaway = code === 0 })
    const r = h2_call(session, post(), chat('hi').body, x => { text = x })
    await until('the stream has begun', () => text.includes('begun'))
    const closed = once(session, 'close')
    if (how === 'stop') v.process.kill('SIGTERM')
    else {
      v.configure({ listen: '127.0.0.2:0' })
      assert.equal(await v.reload(), 'reloaded')
    }
    await until('the session is told', () => goaway)
    gate.open()
    const whole = await r
    assert.ok(whole.text.endsWith('data: [DONE]\n\n') && !whole.cut, how)
    await closed
    if (how === 'stop') assert.equal((await v.exit).code, 0)
  }
})
