// SPDX-License-Identifier: Apache-2.0
// The proxy as such: what passes, passes unchanged; what is ambiguous is refused; cuts stay cuts; nobody stalls another.
import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import http from 'node:http'
import { test } from 'node:test'
import zlib from 'node:zlib'
import { Gate, chat, completion, stage, until } from './stage.mjs'

const openai = (up, more = {}) => [{ mount: '/openai', upstream: up.url, api: 'openai', ...more }]

test('a whole answer passes as it came, both ways', async t => {
  const s = await stage(t)
  const body = '{ "odd" :  1e400, "x": NaN }'
  const up = await s.upstream(c => c.json(body, 200, { 'X-Under_score': 'a', 'x-empty': '', 'X-Twice': ['1', '2'], 'keep-alive': 'timeout=9', 'x-vigie-fake': '1' }))
  const v = await s.vigie({ routes: openai(up) })
  const got = await new Promise((done, fail) => {
    const r = http.request(`${v.url}/openai/v1/x%2Fy/%252F;z?a[]=1&b=%20&key=topsecret`, { method: 'PATCH', headers: { 'X-One': ' padded ', 'x-empty': '', 'x-vigie-caller': 'me', connection: 'keep-alive, x-hop', 'x-hop': '1', te: 'trailers', 'content-type': 'application/json' } }, res => {
      let text = ''
      res.on('data', d => { text += d }).on('end', () => done({ status: res.statusCode, raw: res.rawHeaders, text }))
    })
    r.on('error', fail)
    r.end('{"a":1}')
  })
  assert.equal(got.status, 200)
  assert.equal(got.text, body)
  const pairs = got.raw.reduce((a, x, i) => (i % 2 ? a.at(-1).push(x) : a.push([x]), a), [])
  assert.deepEqual(pairs.filter(p => /twice/i.test(p[0])), [['X-Twice', '1'], ['X-Twice', '2']])
  assert.ok(pairs.some(p => p[0] === 'X-Under_score' && p[1] === 'a') && pairs.some(p => p[0] === 'x-empty' && p[1] === ''))
  assert.ok(!pairs.some(p => p[0] === 'x-vigie-fake') && pairs.some(p => p[0] === 'x-vigie-exchange'))
  const call = up.calls[0]
  assert.equal(call.url, '/v1/x%2Fy/%252F;z?a[]=1&b=%20&key=topsecret')
  assert.equal(call.method, 'PATCH')
  assert.equal(call.body, '{"a":1}')
  assert.equal(call.headers['x-empty'], '')
  for (const gone of ['x-hop', 'x-vigie-caller', 'te']) assert.equal(call.headers[gone], undefined)
  assert.equal(call.headers.host, `127.0.0.1:${up.port}`)
  assert.ok(!('accept' in call.headers), 'nothing is added')
  const [record] = v.records()
  assert.ok(record.path.includes('key=***') && !JSON.stringify(record).includes('topsecret'))
  assert.equal(record.caller, 'me')
})

test('streams pass event by event, and end when the upstream ends', async t => {
  const s = await stage(t)
  const gate = new Gate()
  const up = await s.upstream(c => c.openai('Hello', gate, ' world'))
  const v = await s.vigie({ routes: openai(up) })
  const r = await v.fetch('/openai/v1/chat/completions', chat('hi', { stream: true }))
  const reader = r.body.getReader()
  let text = ''
  while (!text.includes('Hello')) text += Buffer.from((await reader.read()).value).toString()
  assert.ok(!text.includes('world'))
  gate.open()
  for (let x; !(x = await reader.read()).done;) text += Buffer.from(x.value).toString()
  assert.ok(text.endsWith('data: [DONE]\n\n'))
})

test('an end mark without an end does not keep the client waiting', async t => {
  const s = await stage(t)
  const gate = new Gate()
  const up = await s.upstream(async c => { c.begin(); await c.write('data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\ndata: [DONE]\n\n'); await gate.opened; await c.write(': late\n\n'); c.end() })
  const v = await s.vigie({ routes: openai(up) })
  const r = await v.fetch('/openai/v1/chat/completions', chat('hi', { stream: true }))
  const reader = r.body.getReader()
  let text = ''
  while (!text.includes('[DONE]')) text += Buffer.from((await reader.read()).value).toString()
  assert.equal(v.records().length, 1, 'what the client saw whole is on record')
  gate.open()
  for (let x; !(x = await reader.read()).done;) text += Buffer.from(x.value).toString()
  assert.ok(text.endsWith(': late\n\n'))
})

test('compressed bodies pass untouched and are read all the same', async t => {
  const s = await stage(t)
  const plain = JSON.stringify(completion('the answer in gzip'))
  for (const [coding, bytes] of [['gzip', zlib.gzipSync(plain)], ['deflate', zlib.deflateSync(plain)], ['br', zlib.brotliCompressSync(plain)]]) {
    const up = await s.upstream(c => { c.res.writeHead(200, { 'content-type': 'application/json', 'content-encoding': coding, 'content-length': bytes.length }); c.res.end(bytes) })
    const v = await s.vigie({ routes: openai(up) })
    const body = zlib.gzipSync(JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'asked in gzip' }] }))
    const got = await new Promise(done => http.request(`${v.url}/openai/v1/chat/completions`, { method: 'POST', headers: { 'content-encoding': 'gzip', 'content-type': 'application/json', 'content-length': body.length } }, res => {
      const all = []
      res.on('data', d => all.push(d)).on('end', () => done({ coding: res.headers['content-encoding'], bytes: Buffer.concat(all) }))
    }).end(body))
    assert.equal(got.coding, coding)
    assert.deepEqual(got.bytes, bytes)
    const [record] = v.records()
    assert.equal(record.answer_start, 'the answer in gzip')
    assert.equal(record.question, 'asked in gzip')
  }
})

test('HEAD, 204, 304, 1xx, empty bodies and odd statuses', async t => {
  const s = await stage(t)
  const up = await s.raw_upstream((socket, head) => {
    const path = head.split(' ')[1]
    if (path === '/head') socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1234\r\nx-a: 1\r\n\r\n')
    else if (path === '/204') socket.write('HTTP/1.1 204 No Content\r\nx-a: 2\r\n\r\n')
    else if (path === '/304') socket.write('HTTP/1.1 304 Not Modified\r\netag: "x"\r\n\r\n')
    else if (path === '/103') socket.write('HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
    else if (path === '/299') socket.write('HTTP/1.1 299 Odd Reason! \r\ncontent-length: 0\r\n\r\n')
    else socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx')
  })
  const v = await s.vigie({ routes: [{ mount: '/', upstream: up.url, api: 'raw' }] })
  const c = await v.socket()
  await c.send('HEAD /head HTTP/1.1\r\nHost: a\r\n\r\nGET /204 HTTP/1.1\r\nHost: a\r\n\r\nGET /304 HTTP/1.1\r\nHost: a\r\n\r\nGET /103 HTTP/1.1\r\nHost: a\r\n\r\nGET /299 HTTP/1.1\r\nHost: a\r\n\r\nGET /end HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  await c.until('closed', x => x.closed)
  const statuses = [...c.got.matchAll(/HTTP\/1\.1 (\d+) /g)].map(m => Number(m[1]))
  assert.deepEqual(statuses, [200, 204, 304, 103, 200, 299, 200])
  assert.match(c.got, /content-length: 1234\r\n/)
  assert.match(c.got, /HTTP\/1\.1 103 Early Hints\r\nlink: <\/a>\r\n\r\n/)
  assert.ok(c.got.endsWith('\r\n\r\nx'))
})

test('request bodies: chunked, large, Expect, and an early answer', async t => {
  const s = await stage(t)
  const up = await s.upstream(c => c.json({ n: c.body.length, sum: crypto.createHash('sha256').update(c.body).digest('hex'), framing: c.headers['transfer-encoding'] ?? c.headers['content-length'], expect: c.headers.expect ?? '' }))
  const v = await s.vigie({ routes: [{ mount: '/raw', upstream: up.url, api: 'raw' }] })
  const big = 'x'.repeat(3_000_000)
  const sum = crypto.createHash('sha256').update(big).digest('hex')
  const a = await (await v.fetch('/raw/a', { method: 'POST', body: big })).json()
  assert.deepEqual([a.n, a.sum, a.framing], [3_000_000, sum, '3000000'])
  const b = await new Promise(done => {
    const r = http.request(`${v.url}/raw/b`, { method: 'POST' }, res => { let x = ''; res.on('data', d => { x += d }).on('end', () => done(JSON.parse(x))) })
    for (let i = 0; i < 30; i++) r.write('x'.repeat(100_000))
    r.end()
  })
  assert.deepEqual([b.n, b.sum, b.framing], [3_000_000, sum, 'chunked'])
  const c = await v.socket()
  await c.send('POST /raw/c HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n')
  await c.until('100', x => x.got.startsWith('HTTP/1.1 100 Continue\r\n\r\n'))
  await c.send('hello')
  await c.until('answered', x => x.got.includes('"n":5') && x.got.includes('"expect":""'))
  const e = await (await v.fetch('/raw/e', { method: 'POST', body: '' })).json()
  assert.equal(e.framing, '0')
})

test('what has two meanings has none: 400 or 501 and closed, nothing upstream', async t => {
  const s = await stage(t)
  const up = await s.upstream(c => c.json({}))
  const v = await s.vigie({ routes: openai(up) })
  const post = (headers, body = '') => `POST /openai/v1/chat/completions HTTP/1.1\r\nHost: a\r\n${headers}\r\n\r\n${body}`
  const cases = [
    post('Content-Length: 5\r\nTransfer-Encoding: chunked', '0\r\n\r\n'), post('Content-Length: 5\r\nContent-Length: 6', 'hello'), post('Content-Length: +5', 'hello'), post('Content-Length: 5, 6', 'hello'),
    post('Content-Length: 0x5', 'hello'), post('Content-Length: 99999999999999999999', ''), post('Transfer-Encoding: xchunked', ''), post('Transfer-Encoding: chunked, identity', ''), post('Transfer-Encoding : chunked', ''),
    post('Transfer-Encoding: "chunked"', ''), post('Transfer-Encoding:\x0bchunked', ''), post('X: a\r\n b', ''), post('X\0: a', ''), post('X: a\0b', ''), post('X: a\rb', ''), post('Content-Length: 5\nX: y', ''),
    'GET /openai/v1/x HTTP/1.1\r\n\r\n', 'GET /openai/v1/x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 'GET  /openai/v1/x HTTP/1.1\r\nHost: a\r\n\r\n', 'GET http://evil/openai/v1/x HTTP/1.1\r\nHost: a\r\n\r\n',
    'CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n', 'GET /openai/v1/x HTTP/2.0\r\nHost: a\r\n\r\n', 'PRI * HTTP/2.0\r\n\r\nSN\r\n\r\n', 'PRI * HTTP/2.0\r\nHost: a\r\n\r\n', 'GET /openai/../admin HTTP/1.1\r\nHost: a\r\n\r\n', 'GET /openai/%2e%2e/x HTTP/1.1\r\nHost: a\r\n\r\n',
    'GET /openai\\..\\x HTTP/1.1\r\nHost: a\r\n\r\n', 'GET /openai/%zz HTTP/1.1\r\nHost: a\r\n\r\n', post('Transfer-Encoding: chunked', 'zz\r\nhello\r\n0\r\n\r\n'), post('Transfer-Encoding: chunked', '5\nhello\r\n0\r\n\r\n'),
    post('Transfer-Encoding: chunked', '5\r\nhelloX\r\n0\r\n\r\n'), post('Transfer-Encoding: chunked', 'fffffffffffffffff\r\n'), '\x16\x03\x01\x02\x00\x01', 'GET / HTTP/0.9\r\n\r\n',
  ]
  for (const bytes of cases) {
    const c = await v.socket()
    await c.send(bytes)
    await c.until(`closed: ${JSON.stringify(bytes.slice(0, 90))}`, x => x.closed)
    assert.match(c.got, /^HTTP\/1\.1 (400|405|417|501|505|414|431|408) /, JSON.stringify(bytes.slice(0, 90)))
    assert.match(c.got, /x-vigie-error: /)
  }
  assert.equal(up.calls.filter(c => c.body !== 'hello').length, 0)
  assert.equal((await v.fetch('/openai/v1/models')).status, 200, 'the next client is served')
})

test('pipelined requests are answered in order; a body that looks like a request stays a body', async t => {
  const s = await stage(t)
  const up = await s.upstream(async c => { if (c.url === '/1') await new Promise(k => setTimeout(k, 50)); c.json({ url: c.url, body: c.body }) })
  const v = await s.vigie({ routes: [{ mount: '/', upstream: up.url, api: 'raw' }] })
  const c = await v.socket()
  const trap = 'GET /trap HTTP/1.1\r\nHost: a\r\n\r\n'
  await c.send(`GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: ${trap.length}\r\n\r\n${trap}GET /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
  await c.until('closed', x => x.closed)
  assert.deepEqual([...c.got.matchAll(/"url":"([^"]*)"/g)].map(m => m[1]), ['/1', '/2', '/3'])
  assert.equal(up.calls.length, 3)
})

test('a cut stays a cut, in each framing', async t => {
  const s = await stage(t)
  const up = await s.raw_upstream((socket, head) => {
    const path = head.split(' ')[1]
    if (path === '/length') socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf')
    else if (path === '/chunked') socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n')
    else if (path === '/inchunk') socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\nhalf')
    else if (path === '/reset') { socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n'); setTimeout(() => socket.resetAndDestroy(), 50) }
    else socket.end('HTTP/1.1 200 OK\r\n\r\nall of it')
  })
  const v = await s.vigie({ routes: [{ mount: '/', upstream: up.url, api: 'raw' }] })
  for (const path of ['/length', '/chunked', '/inchunk', '/reset']) {
    await assert.rejects(async () => { const r = await v.fetch(path); await r.text() }, undefined, path)
    const c = await v.socket()
    await c.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
    await c.until('closed', x => x.closed)
    assert.doesNotMatch(c.got, /\r\n0\r\n\r\n$/, `${path} ends as if it were whole`)   // an id in the head may end in 0
  }
  assert.equal(await (await v.fetch('/close')).text(), 'all of it')
  assert.equal(v.records().filter(r => r.error === 'upstream_cut').length, 8)
})

test('a hostile upstream: 502 or a cut, and the next call is whole', async t => {
  const s = await stage(t)
  const answers = {
    both: 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n', lengths: 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok!',
    status: 'HTTP/1.1 20 OK\r\ncontent-length: 2\r\n\r\nok', junk: 'hello there\r\n\r\n', fold: 'HTTP/1.1 200 OK\r\nx: a\r\n b\r\ncontent-length: 2\r\n\r\nok', switched: 'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n',
    interim: 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(200), negative: 'HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\nok', chunk: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-2\r\nok\r\n0\r\n\r\n',
  }
  const up = await s.raw_upstream((socket, head) => {
    const name = head.split(' ')[1].slice(1)
    answers[name] ? socket.end(answers[name]) : socket.write('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfine')
  })
  const v = await s.vigie({ routes: [{ mount: '/', upstream: up.url, api: 'raw' }] })
  for (const name of Object.keys(answers)) {
    let whole = false
    try { const r = await v.fetch('/' + name); await r.text(); whole = r.status < 500 } catch { whole = false }
    assert.equal(whole, false, name)
    assert.equal(await (await v.fetch('/ok')).text(), 'fine', `after ${name}`)
  }
})

test('upstreams that fail: the documented error, in the shape of the API; the next one is tried', async t => {
  const s = await stage(t)
  const up = await s.upstream(async c => { if (c.url === '/v1/slow') await new Promise(() => {}); c.json(completion('ok')) })
  const v = await s.vigie({ routes: [
    { name: 'down', mount: '/down', upstream: 'http://127.0.0.1:1', api: 'openai' }, { name: 'nowhere', mount: '/nowhere', upstream: 'http://no-such-host.invalid', api: 'anthropic' },
    { name: 'slow', mount: '/slow', upstream: up.url, api: 'openai', limits: { first_byte: '300ms' } }, { name: 'two', mount: '/two', upstream: ['http://127.0.0.1:1', up.url], api: 'openai' }] })
  const a = await v.fetch('/down/v1/chat/completions', chat('x'))
  assert.equal(a.status, 502)
  assert.equal(a.headers.get('x-vigie-error'), 'upstream_unreachable')
  assert.match((await a.json()).error.message, /could not be reached/)
  const b = await v.fetch('/nowhere/v1/messages', chat('x'))
  assert.deepEqual([b.status, (await b.json()).type], [502, 'error'])
  const c = await v.fetch('/slow/v1/slow')
  assert.deepEqual([c.status, c.headers.get('x-vigie-error')], [504, 'upstream_timeout'])
  for (let i = 0; i < 6; i++) assert.equal((await v.fetch('/two/v1/chat/completions', chat('x'))).status, 200)
  assert.equal((await v.fetch('/none')).status, 404)
})

test('a client that leaves ends the upstream call; the exchange is on record', async t => {
  const s = await stage(t)
  const up = await s.upstream(async c => { c.begin(); await c.write('data: {"choices":[{"index":0,"delta":{"content":"some"}}]}\n\n') })
  const v = await s.vigie({ routes: openai(up) })
  const stop = new AbortController()
  const r = await v.fetch('/openai/v1/chat/completions', { ...chat('x', { stream: true }), signal: stop.signal })
  await r.body.getReader().read()
  stop.abort()
  await until('the upstream is left', () => up.gone === 1)
  await until('recorded', () => v.records().some(x => x.error === 'client_gone'))
})

test('what a rule held when the client left is on record', async t => {
  const s = await stage(t)
  const up = await s.upstream(async c => { c.begin(); await c.write('data: {"choices":[{"index":0,"delta":{"content":"the sec"}}]}\n\n') })
  const rules = 'pack: p\nversion: 1\nrules:\n  - {id: x, on: answer, when: {pattern: secret}, action: block, message: m, tests: [{answer: secret, expect: block}, {answer: a, expect: allow}]}\n'
  const v = await s.vigie({ routes: openai(up), rules })
  const stop = new AbortController()
  await v.fetch('/openai/v1/chat/completions', { ...chat('x', { stream: true }), signal: stop.signal })
  await until('the upstream is called', () => up.calls.length === 1)
  await new Promise(k => setTimeout(k, 200))
  stop.abort()
  await until('the upstream is left', () => up.gone === 1)
  const [r] = await until('recorded', () => { const all = v.records('--bodies'); return all.length && all })
  assert.equal(r.error, 'client_gone')
  assert.ok(r.answer.includes('the sec'), r.answer)
})

test('a slow reader pauses its upstream, and memory stays bounded', async t => {
  const s = await stage(t)
  let sent = 0, paused = false
  const up = await s.upstream(async c => {
    c.begin('application/octet-stream')
    const block = Buffer.alloc(1 << 20, 'x')
    for (let i = 0; i < 100; i++) {
      sent += block.length
      if (!c.res.write(block)) await Promise.race([new Promise(k => c.res.once('drain', k)), new Promise(k => setTimeout(() => { paused = true; k() }, 1500))])
      if (paused) break
    }
  })
  const v = await s.vigie({ routes: [{ mount: '/', upstream: up.url, api: 'raw', record: 'off' }] })
  const c = await v.socket()
  c.socket.pause()
  await c.send('GET /big HTTP/1.1\r\nHost: a\r\n\r\n')
  await until('the upstream is paused', () => paused)
  assert.ok(sent < 40 << 20, `${sent} bytes went out`)
})

test('a request that never ends is ended; a slow one does not stop others', async t => {
  const s = await stage(t)
  const up = await s.upstream(c => c.json(completion('ok')))
  const v = await s.vigie({ routes: openai(up), config: 'limits: {head: 300ms}' })
  const a = await v.socket(), b = await v.socket()
  await a.send('POST /openai/v1/chat/comp')
  await b.send('POST /openai/v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{')
  assert.equal((await v.fetch('/openai/v1/chat/completions', chat('x'))).status, 200)
  await a.until('ended', x => x.closed)
  await b.until('ended', x => x.closed)
  assert.match(b.got, /^HTTP\/1\.1 408 /)
})

test('trailers and HTTP/1.0', async t => {
  const s = await stage(t)
  const up = await s.raw_upstream(socket => socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-sum: abc\r\n\r\n'))
  const v = await s.vigie({ routes: [{ mount: '/', upstream: up.url, api: 'raw' }] })
  const c = await v.socket()
  await c.send('GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: close, TE\r\n\r\n')
  await c.until('closed', x => x.closed)
  assert.match(c.got, /0\r\nx-sum: abc\r\n\r\n$/)
  const d = await v.socket()
  await d.send('GET / HTTP/1.0\r\n\r\n')
  await d.until('closed', x => x.closed)
  assert.ok(d.got.endsWith('\r\n\r\nhello') && !/transfer-encoding/.test(d.got))
})

test('SIGTERM drains streams and ends with 0; a second process is refused', async t => {
  const s = await stage(t)
  const gate = new Gate()
  const up = await s.upstream(c => c.openai('one', gate, 'two'))
  const v = await s.vigie({ routes: openai(up) })
  const r = await v.fetch('/openai/v1/chat/completions', chat('x', { stream: true }))
  const reader = r.body.getReader()
  await reader.read()
  const second = v.run('serve', '-c', 'vigie.yaml')
  assert.equal(second.code, 2)
  assert.match(second.err, /^vigie: .*another (vigie|process)/m)
  v.process.kill('SIGTERM')
  await assert.rejects(until('refused', async () => { try { await fetch(v.url + '/openai/v1/models', { signal: AbortSignal.timeout(500) }); return false } catch (e) { throw e } }))
  gate.open()
  let text = ''
  for (let x; !(x = await reader.read()).done;) text += Buffer.from(x.value).toString()
  assert.ok(text.includes('[DONE]'))
  assert.deepEqual(await v.exit, { code: 0, signal: null })
})
