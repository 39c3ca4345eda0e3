// SPDX-License-Identifier: Apache-2.0
// Attacks on the framing: whatever one client or upstream does, the next one on the next connection gets what is his.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stage, until } from './stage.mjs'

const raw = (up, more = {}) => [{ mount: '/', upstream: up.url, api: 'raw', ...more }]
const pause = ms => new Promise(k => setTimeout(k, ms))

test('an answer before the request is in: the rest of its body is never read as a request', async t => {
  const s = await stage(t)
  const up = await s.raw_upstream((socket, head) => socket.write(head.startsWith('POST') ? 'HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig' : 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfine'))
  const v = await s.vigie({ routes: raw(up) })
  for (const framing of ['Content-Length: 200000', 'Transfer-Encoding: chunked']) {
    const c = await v.socket()
    const part = 'x'.repeat(70000)
    await c.send(`POST /early HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n` + (framing.startsWith('T') ? `${(200000).toString(16)}\r\n` : '') + part)
    await c.until('answered', x => x.got.includes('big'))
    c.send('GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n')
    await c.until('closed', x => x.closed)
    assert.equal(c.got.match(/HTTP\/1\.1 /g).length, 1, framing)
    assert.match(c.got, /connection: close\r\n/)
  }
  assert.ok(!up.seen.includes('GET /smuggled HTTP'))
  assert.equal(await (await v.fetch('/next')).text(), 'fine')
})

test('a request that breaks while its answer runs: a cut, no second head within the answer', async t => {
  const s = await stage(t)
  const up = await s.raw_upstream(socket => socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nbegun\r\n'))
  const v = await s.vigie({ routes: raw(up, { limits: { body: '100k' } }) })
  for (const then of ['zz\r\n', `20000\r\n${'y'.repeat(131072)}\r\n`]) {
    const c = await v.socket()
    await c.send('POST /both HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n')
    await c.until('begun', x => x.got.includes('begun'))
    c.send(then)
    await c.until('closed', x => x.closed)
    assert.equal(c.got.match(/HTTP\/1\.1 /g).length, 1)
    assert.doesNotMatch(c.got, /\r\n0\r\n\r\n$/)
  }
  await until('no exchange is left', async () => await v.metric('vigie_exchanges_open') === 0)
})

test('bytes that nobody asked for reach no other client', async t => {
  const s = await stage(t)
  const evil = 'HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nstolen'
  const answers = {
    '/length': 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok', '/chunked': 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n', '/204': 'HTTP/1.1 204 No Content\r\n\r\n',
    '/304': 'HTTP/1.1 304 Not Modified\r\n\r\n', '/none': 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n', '/204body': 'HTTP/1.1 204 No Content\r\ncontent-length: 6\r\n\r\nstolen', '/head': 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok',
  }
  const up = await s.raw_upstream((socket, head) => {
    const [path, when] = head.split(' ')[1].split('?')
    if (!answers[path]) return socket.write('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfine')
    if (when === 'once') return socket.write(answers[path] + evil)
    socket.write(answers[path])
    setTimeout(() => socket.write(evil), 30)
  })
  const v = await s.vigie({ routes: raw(up) })
  for (const path of Object.keys(answers))
    for (const when of ['once', 'later']) {
      try { await (await v.fetch(`${path}?${when}`, { method: path === '/head' ? 'HEAD' : 'GET' })).text() } catch { /* a cut is right */ }
      await pause(80)
      for (let i = 0; i < 3; i++) assert.equal(await (await v.fetch('/next')).text(), 'fine', `after ${path} ${when}, ${i}`)
    }
})

test('what is forwarded is one request to a strict reader, whatever it was made of', async t => {
  const s = await stage(t)
  const up = await s.raw_upstream(socket => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'))
  const v = await s.vigie({ routes: raw(up) })
  const inner = 'GET /inner HTTP/1.1\r\nHost: a\r\n\r\n'
  const cases = [
    ['POST', 'Connection: content-length, host, transfer-encoding\r\nContent-Length: 33', inner.padEnd(33)], ['POST', 'Connection: transfer-encoding\r\nTransfer-Encoding: chunked', `${inner.length.toString(16)};a=b\r\n${inner}\r\n0\r\n\r\n`],
    ['GET', 'Content-Length: 33', inner.padEnd(33)], ['HEAD', 'X-A: 1', ''], ['DELETE', 'Transfer-Encoding: chunked', '1\r\nx\r\n0\r\nx-t: 1\r\n\r\n'], ['POST', 'Content-Length: 0', ''],
    ['GET', 'Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nConnection: Upgrade, HTTP2-Settings', ''], ['GET', 'X-Empty:\r\nX-Semi: ;\r\nAccept:', ''],
  ]
  for (const [method, headers, body] of cases) {
    const from = up.seen.length, c = await v.socket()
    await c.send(`${method} /one HTTP/1.1\r\nHost: a\r\n${headers}\r\n\r\n${body}`)
    await c.until(`answered: ${method} ${headers}`, x => /^HTTP\/1\.1 200 /.test(x.got))
    const seen = up.seen.slice(from), end = seen.indexOf('\r\n\r\n')
    const lines = seen.slice(0, end).split('\r\n')
    assert.equal(lines[0], `${method} /one HTTP/1.1`)
    const fields = lines.slice(1).map(l => /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*)$/.exec(l)).map(m => { assert.ok(m, seen); return [m[1].toLowerCase(), m[2]] })
    const of = name => fields.filter(f => f[0] === name).map(f => f[1])
    assert.equal(of('host').length, 1)
    assert.ok(of('content-length').length + of('transfer-encoding').length <= 1)
    for (const gone of ['upgrade', 'http2-settings', 'connection', 'expect']) assert.deepEqual(of(gone), [])
    let rest = seen.slice(end + 4)
    if (of('content-length').length) rest = rest.slice(Number(of('content-length')[0]))
    else if (of('transfer-encoding').length) {
      for (let n = -1; n;) { const m = /^([0-9a-f]+)\r\n/i.exec(rest); assert.ok(m, rest); n = parseInt(m[1], 16); rest = rest.slice(m[0].length + (n ? n + 2 : 0)) }
      assert.equal(rest.slice(0, 2), '\r\n'); rest = rest.slice(2)
    }
    assert.equal(rest, '', `${method} ${headers}`)
    c.close()
  }
})

test('TRACE and CONNECT are not spoken; mounts are whole words and the longest wins', async t => {
  const s = await stage(t)
  const up = await s.upstream(c => c.json({ url: c.url, key: c.headers['x-route'] }))
  const route = (mount, name) => ({ mount, name, upstream: up.url, api: 'raw', headers: { set: { 'x-route': name } } })
  const v = await s.vigie({ routes: [route('/openai', 'a'), route('/openai2', 'b'), route('/openai/nested', 'c'), route('/', 'd')] })
  for (const method of ['TRACE', 'CONNECT']) {
    const c = await v.socket()
    await c.send(`${method} /openai/x HTTP/1.1\r\nHost: a\r\n\r\n`)
    await c.until('closed', x => x.closed)
    assert.match(c.got, /^HTTP\/1\.1 501 /)
  }
  assert.equal(up.calls.length, 0, 'a held header is not reflected')
  const asks = async target => { const c = await v.socket(); await c.send(`GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`); await c.until('closed', x => x.closed); return [Number(c.got.split(' ')[1]), c.got.match(/"key":"(.)"/)?.[1], c.got.match(/"url":"([^"]*)"/)?.[1]] }
  for (const [target, ...want] of [['/openai/x', 200, 'a', '/x'], ['/openai2/x', 200, 'b', '/x'], ['/openai/nested/x', 200, 'c', '/x'], ['/openai/nestedx', 200, 'a', '/nestedx'], ['/openai3/x', 200, 'd', '/openai3/x'], ['http://a/openai2/x?q', 200, 'b', '/x?q']])
    assert.deepEqual(await asks(target), want, target)
  for (const target of ['/openai/../openai2/x', '/openai/%2e%2e/x', '/openai/%252e%252e/x', '//openai/x', '/openai\\x', '/openai/..;a/x', '/openai/%00', '/openai/%c0%ae%c0%ae/x', '/openai/%ef%bc%8e%ef%bc%8e/x', 'http://u@a/openai/x', 'http://b/openai/x', '/openai/%', '/%6fpenai/../x', '*'])
    assert.equal((await asks(target))[0], 400, target)
})
