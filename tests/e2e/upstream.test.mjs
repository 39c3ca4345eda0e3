// SPDX-License-Identifier: Apache-2.0
// Upstreams of the field, seen by clients: names, restarts, slow heads, long bodies both ways, answers that come too early, TLS.
import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import { once } from 'node:events'
import fs from 'node:fs'
import https from 'node:https'
import { test } from 'node:test'
import { authority } from './certificates.mjs'
import { chat, completion, stage, until } from './stage.mjs'

const raw = (url, more = {}) => [{ mount: '/', upstream: url, api: 'raw', record: 'off', ...more }]
const sha = bytes => crypto.createHash('sha256').update(bytes).digest('hex')
const rss = v => Number(fs.readFileSync(`/proc/${v.process.pid}/status`, 'utf8').match(/VmRSS:\s+(\d+)/)[1])

test('by name; an upstream that closes what rests, and one that starts anew: no call notices', async t => {
  const s = await stage(t)
  const up = await s.raw_upstream((socket, head) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfine')
    const how = head.split(' ')[1]
    if (how === '/close') setTimeout(() => socket.end(), 20)
    if (how === '/reset') setTimeout(() => socket.resetAndDestroy(), 20)
  })
  const v = await s.vigie({ routes: raw(up.url.replace('127.0.0.1', 'localhost')) })
  for (const how of ['/stay', '/close', '/reset', '/close', '/stay'])
    for (let i = 0; i < 3; i++) {
      const r = await v.fetch(how, { method: 'POST', body: 'x' })
      assert.deepEqual([r.status, await r.text()], [200, 'fine'], how)
      await new Promise(k => setTimeout(k, 60))
    }
  assert.match(up.seen, new RegExp(`\\r\\nHost: localhost:${up.port}\\r\\n`))
})

test('a head byte by byte, after hints, and a body in crumbs', async t => {
  const s = await stage(t)
  const up = await s.raw_upstream(async socket => {
    socket.setNoDelay(true)
    for (const byte of 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nx-a: b\r\ntransfer-encoding: chunked\r\n\r\n4;e=1\r\nfine\r\n0\r\nx-sum: 9\r\n\r\n') {
      socket.write(byte)
      await new Promise(k => setImmediate(k))
    }
  })
  const v = await s.vigie({ routes: raw(up.url) })
  const c = await v.socket()
  for (let i = 0; i < 2; i++) {
    c.got = ''
    await c.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await c.until('whole', x => x.got.includes('x-sum: 9\r\n\r\n'))
    assert.match(c.got, /^HTTP\/1\.1 103 Early Hints\r\nlink: <\/a>\r\n\r\nHTTP\/1\.1 200 OK\r\nx-a: b\r\n/)
    const lines = c.got.split('\r\n\r\n').slice(2).join('\r\n\r\n').split('\r\n')   // size, data, size, data, …, 0
    assert.equal(lines.filter((_, k) => k % 2 && k < lines.indexOf('0')).join(''), 'fine')
  }
  assert.equal(up.connections, 1)
})

test('100 MB down to a reader that rests, 40 MB up to an upstream that rests: whole, in bounded memory', async t => {
  const s = await stage(t)
  const block = crypto.randomBytes(1 << 20)
  const up = await s.upstream(async c => {
    if (c.req.method === 'POST') {
      const hash = crypto.createHash('sha256')
      let n = 0
      for await (const d of c.req) {
        hash.update(d)
        n += d.length
        if (n >> 22 !== (n - d.length) >> 22) await new Promise(k => setTimeout(k, 30))
      }
      return c.json({ sum: hash.digest('hex') })
    }
    c.res.writeHead(200, c.url === '/length' ? { 'content-length': 100 << 20 } : {})
    for (let i = 0; i < 100; i++) if (!c.res.write(block)) await once(c.res, 'drain')
    c.end()
  }, { early: true })
  const v = await s.vigie({ routes: raw(up.url, { limits: { body: '100m' } }) })
  const before = rss(v), sum = crypto.createHash('sha256')
  for (let i = 0; i < 100; i++) sum.update(block)
  const expected = sum.digest('hex')
  for (const path of ['/length', '/chunked']) {
    const r = await v.fetch(path), hash = crypto.createHash('sha256')
    let n = 0, rests = 0
    for await (const d of r.body) {
      hash.update(d)
      n += d.length
      if (n > rests * (25 << 20)) { rests++; await new Promise(k => setTimeout(k, 200)) }
    }
    assert.equal(n, 100 << 20)
    assert.equal(hash.digest('hex'), expected, path)
  }
  const body = Buffer.concat(Array.from({ length: 40 }, () => block))
  for (const chunked of [false, true]) {
    const r = await v.fetch('/up', { method: 'POST', duplex: 'half', body: chunked ? new Blob([body]).stream() : body })
    assert.equal((await r.json()).sum, sha(body))
  }
  if (!process.env.SANITIZED) assert.ok(rss(v) - before < 20000, `${rss(v) - before} KB more`)
})

test('an answer while the body is on its way: it arrives, whether the upstream then waits, closes or resets', async t => {
  const s = await stage(t)
  const up = await s.raw_upstream((socket, head) => {
    if (!head.startsWith('POST')) return socket.write('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfine')
    socket.pause()
    socket.write('HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig')
    if (head.includes('/close')) socket.end()
    if (head.includes('/reset')) setTimeout(() => socket.resetAndDestroy(), 30)
  })
  const v = await s.vigie({ routes: raw(up.url, { limits: { body: '100m' } }) })
  for (const path of ['/wait', '/close', '/reset']) {
    const c = await v.socket()
    c.socket.write(`POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 60000000\r\n\r\n`)
    c.socket.write(Buffer.alloc(50_000_000, 'x'))
    await c.until('answered', x => /^HTTP\/1\.1 413 [^]*big$/.test(x.got))
    c.close()
    assert.equal(await (await v.fetch('/next')).text(), 'fine', `after ${path}`)
  }
  await until('no exchange is left', async () => await v.metric('vigie_exchanges_open') === 0)
})

test('an upstream that resets in its body is a cut in each framing', async t => {
  const s = await stage(t)
  const heads = { '/length': 'content-length: 100\r\n', '/chunked': 'transfer-encoding: chunked\r\n', '/none': '' }
  const up = await s.raw_upstream((socket, head) => {
    const path = head.split(' ')[1]
    socket.write(`HTTP/1.1 200 OK\r\n${heads[path]}\r\n4\r\nhalf\r\n`)
    setTimeout(() => socket.resetAndDestroy(), 40)
  })
  const v = await s.vigie({ routes: raw(up.url, { record: 'durable' }) })
  for (const path of Object.keys(heads)) {
    const c = await v.socket()
    await c.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
    await c.until('closed', x => x.closed)
    assert.doesNotMatch(c.got, /\r\n0\r\n\r\n$/, path)
  }
  assert.equal(v.records().filter(r => r.error === 'upstream_cut').length, 3)
})

test('https upstreams: by a name and an authority of one\'s own, kept alive; an unknown authority is 502', async t => {
  const s = await stage(t)
  const ca = authority(s.folder, 'upstreams'), pair = ca.sign('up', ['localhost'])
  let connections = 0
  const server = https.createServer({ cert: fs.readFileSync(pair.certificate), key: fs.readFileSync(pair.key) }, (q, r) => {
    q.resume()
    q.on('end', () => { const text = JSON.stringify(completion('by TLS')); r.writeHead(200, { 'content-type': 'application/json', 'content-length': text.length }); r.end(text) })
  })
  server.on('secureConnection', () => connections++)
  server.listen(0, '127.0.0.1')   // not by name: a small machine may have no /etc/hosts
  await once(server, 'listening')
  s.later(() => new Promise(k => { server.closeAllConnections(); server.close(k) }))
  const url = `https://localhost:${server.address().port}`
  const v = await s.vigie({ routes: [{ mount: '/known', upstream: url, api: 'openai', tls: { ca: ca.certificate } }, { mount: '/unknown', upstream: url, api: 'openai' }] })
  for (let i = 0; i < 3; i++) assert.equal((await (await v.fetch('/known/v1/chat/completions', chat('x'))).json()).choices[0].message.content, 'by TLS')
  assert.ok(connections <= 2, `${connections} connections`)   // a worker's each
  const r = await v.fetch('/unknown/v1/chat/completions', chat('x'))
  assert.deepEqual([r.status, r.headers.get('x-vigie-error')], [502, 'upstream_unreachable'])
})
