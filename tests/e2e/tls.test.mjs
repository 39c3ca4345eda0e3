// SPDX-License-Identifier: Apache-2.0
// Listeners with TLS: which certificate, who is let in, what is resumed, what a reload changes, and that a cut stays a cut.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import crypto from 'node:crypto'
import { once } from 'node:events'
import fs from 'node:fs'
import https from 'node:https'
import net from 'node:net'
import { test } from 'node:test'
import tls from 'node:tls'
import { authority } from './certificates.mjs'
import { Gate, chat, completion, stage, until } from './stage.mjs'

const at = (tls, address = '127.0.0.1:0') => [{ address, tls }]
const files = pair => ({ certificate: pair.certificate, key: pair.key })
// One request; resolves to status, headers, body and what the connection was.
function ask(v, options = {}, body) {
  return new Promise((done, failed) => {
    const req = https.request({ host: '127.0.0.1', port: v.port, path: '/', servername: 'a.test', agent: false, ...options }, res => {
      const chunks = []
      const r = { status: res.statusCode, headers: res.headers, certificate: res.socket.getPeerCertificate(), resumed: res.socket.isSessionReused(), protocol: res.socket.getProtocol() }
      res.on('data', c => chunks.push(c))
      res.on('end', () => done({ ...r, body: Buffer.concat(chunks) }))
      res.on('error', failed)
    })
    req.on('error', failed)
    req.end(body)
  })
}
// A session of its own: send bytes, read all.
async function session(v, options) {
  const socket = tls.connect({ host: '127.0.0.1', port: v.port, servername: 'a.test', ALPNProtocols: ['http/1.1'], ...options })
  const c = { socket, got: '', closed: false }
  socket.on('data', d => { c.got += d.toString('latin1') })
  socket.on('close', () => { c.closed = true })
  socket.on('session', s => { c.ticket = s })
  socket.on('error', e => { c.error = e })
  await Promise.race([once(socket, 'secureConnect'), once(socket, 'close')])
  return c
}

test('requests, streams and large bodies both ways', async t => {
  const s = await stage(t), ca = authority(s.folder, 'ca'), one = ca.sign('one', ['a.test'])
  const large = crypto.randomBytes(3 << 20), gate = new Gate()
  const up = await s.upstream(async call => {
    if (call.url === '/large') return call.res.end(large)
    if (call.url === '/count') return call.json({ n: call.req.headers['content-length'] })
    if (call.url === '/stream') return call.openai('first', gate, 'second')
    call.json(completion('hello'))
  })
  const v = await s.vigie({ listen: at(files(one)), routes: [{ mount: '/', upstream: up.url }] })
  const agent = new https.Agent({ keepAlive: true, maxSockets: 1 })
  for (let i = 0; i < 3; i++) {
    const r = await ask(v, { ca: ca.pem, agent, method: 'POST', headers: { 'content-type': 'application/json' } }, chat('hi').body)
    assert.equal(r.status, 200)
    assert.match(r.headers['x-vigie-exchange'], /./)
    assert.equal(JSON.parse(r.body).choices[0].message.content, 'hello')
  }
  assert.equal(await v.metric('vigie_tls_handshakes_total', { kind: 'full' }), 1)
  agent.destroy()
  const r = await ask(v, { ca: ca.pem, path: '/large' })
  assert.ok(r.body.equals(large))
  assert.equal(r.protocol, 'TLSv1.3')
  assert.equal(JSON.parse((await ask(v, { ca: ca.pem, path: '/count', method: 'PUT', maxVersion: 'TLSv1.2' }, large)).body).n, String(large.length))
  const c = await session(v, { ca: ca.pem })
  c.socket.write('GET /stream HTTP/1.1\r\nhost: a.test\r\n\r\n')
  await until('the first event arrives before the second is sent', () => c.got.includes('first'))
  assert.ok(!c.got.includes('second'))
  gate.open()
  await until('the stream ends', () => c.got.endsWith('0\r\n\r\n'))
  c.socket.destroy()
})

test('the name asked for chooses the certificate, the first stands for all others', async t => {
  const s = await stage(t), ca = authority(s.folder, 'ca')
  const [one, two, wild] = [ca.sign('one', ['a.test']), ca.sign('two', ['b.test', 'c.test']), ca.sign('wild', ['*.d.test'])]
  const up = await s.upstream(call => call.json(completion('x')))
  const v = await s.vigie({ listen: at({ ...files(one), certificates: [files(two), files(wild)] }), routes: [{ mount: '/', upstream: up.url }] })
  const shown = async (servername, extra = {}) => (await ask(v, { ca: ca.pem, servername, checkServerIdentity: () => undefined, ...extra })).certificate.subjectaltname
  for (const maxVersion of ['TLSv1.3', 'TLSv1.2']) {
    assert.equal(await shown('a.test', { maxVersion }), 'DNS:a.test')
    assert.equal(await shown('c.test', { maxVersion }), 'DNS:b.test, DNS:c.test')
    assert.equal(await shown('x.d.test', { maxVersion }), 'DNS:*.d.test')
    assert.equal(await shown('y.x.d.test', { maxVersion }), 'DNS:a.test')
    assert.equal(await shown('nobody.test', { maxVersion }), 'DNS:a.test')
    assert.equal(await shown('', { maxVersion }), 'DNS:a.test')
  }
  await assert.rejects(ask(v, { ca: ca.pem, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }))
  await assert.rejects(ask(v, { ca: ca.pem, maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256' }), 'no key exchange without forward secrecy')
  await assert.rejects(ask(v, { ca: ca.pem, ALPNProtocols: ['spdy/3'] }), 'no protocol in common')
})

test('client certificates: required, optional, of another authority, and the caller they name', async t => {
  const s = await stage(t), ca = authority(s.folder, 'ca'), other = authority(s.folder, 'other'), one = ca.sign('one', ['a.test'])
  const alice = ca.sign('alice', [], { common: 'alice', client: true }), nameless = ca.sign('nameless', ['bob@a.test'], { common: '', client: true })
  const silent = ca.sign('silent', [], { common: '', client: true }), evil = other.sign('evil', [], { common: 'alice', client: true })
  const server = ca.sign('server', ['s.test']) // not for clients
  const up = await s.upstream(call => call.json(completion('x')))
  const tls_of = client => ({ ...files(one), client_ca: ca.certificate, ...(client ? { client } : {}) })
  const v = await s.vigie({ listen: at(tls_of()), routes: [{ mount: '/', upstream: up.url }] })
  const as = (pair, more = {}) => ask(v, { ca: ca.pem, ...(pair ? { cert: pair.pem, key: pair.key_pem } : {}), ...more })
  for (const maxVersion of ['TLSv1.3', 'TLSv1.2']) {
    await assert.rejects(as(null, { maxVersion }))
    await assert.rejects(as(evil, { maxVersion }))
    await assert.rejects(as(server, { maxVersion }))
  }
  assert.equal(up.calls.length, 0)
  assert.equal((await as(alice, { headers: { 'x-vigie-caller': 'mallory' } })).status, 200)
  assert.equal((await as(nameless)).status, 200)
  assert.equal((await as(silent)).status, 200)
  const callers = v.records().map(r => r.caller)
  assert.equal(callers.length, 3)
  assert.ok(callers.includes('cert:alice') && callers.includes('cert:bob@a.test'), String(callers))
  assert.match(callers.find(c => /sha256/.test(c)), /^cert:sha256:[0-9a-f]{16}$/)
  assert.equal(await v.metric('vigie_tls_handshakes_total', { kind: 'failed' }), 6)

  const w = await s.vigie({ listen: at(tls_of('optional')), routes: [{ mount: '/', upstream: up.url }] })
  assert.equal((await ask(w, { ca: ca.pem })).status, 200)
  assert.equal((await ask(w, { ca: ca.pem, cert: alice.pem, key: alice.key_pem })).status, 200)
  await assert.rejects(ask(w, { ca: ca.pem, cert: evil.pem, key: evil.key_pem }))
  assert.deepEqual(w.records().map(r => r.caller || '').sort(), ['', 'cert:alice'])
})

test('sessions are resumed, across a reload too, and not under other demands on clients', async t => {
  const s = await stage(t), ca = authority(s.folder, 'ca'), one = ca.sign('one', ['a.test']), two = ca.sign('two', ['a.test'])
  const alice = ca.sign('alice', [], { common: 'alice', client: true })
  const up = await s.upstream(call => call.json(completion('x')))
  const v = await s.vigie({ listen: at(files(one)), routes: [{ mount: '/', upstream: up.url }] })
  const greet = async (maxVersion, ticket) => {
    const c = await session(v, { ca: ca.pem, maxVersion, session: ticket, cert: alice.pem, key: alice.key_pem })
    c.socket.write('GET / HTTP/1.1\r\nhost: a.test\r\n\r\n')
    await until('an answer, and a ticket', () => (c.got.includes('chat.completion') && (c.ticket || ticket)) || c.closed)
    const reused = c.socket.isSessionReused()
    c.socket.destroy()
    return { ticket: c.ticket, reused }
  }
  for (const version of ['TLSv1.3', 'TLSv1.2']) {
    v.configure()
    await v.reload()
    const first = await greet(version)
    assert.equal(first.reused, false)
    assert.equal((await greet(version, first.ticket)).reused, true)
    v.configure({ listen: at(files(two)) })
    assert.equal(await v.reload(), 'reloaded')
    const after = await greet(version, first.ticket)
    assert.equal(after.reused, true)
    v.configure({ listen: at({ ...files(two), client_ca: ca.certificate }) })
    assert.equal(await v.reload(), 'reloaded')
    assert.equal((await greet(version, first.ticket)).reused, false)
  }
  assert.ok(v.records().some(r => r.caller === 'cert:alice'))
})

test('a reload brings new certificates; connections keep theirs, and a broken file changes nothing', async t => {
  const s = await stage(t), ca = authority(s.folder, 'ca'), one = ca.sign('one', ['a.test'], { common: 'one' }), two = ca.sign('two', ['a.test'], { common: 'two' })
  const live = { certificate: s.folder + '/live.pem', key: s.folder + '/live.key' }
  const put = pair => { fs.copyFileSync(pair.certificate, live.certificate); fs.copyFileSync(pair.key, live.key) }
  put(one)
  const gate = new Gate()
  const up = await s.upstream(call => call.url === '/stream' ? call.openai('first', gate, 'second') : call.json(completion('x')))
  const v = await s.vigie({ listen: at(live), routes: [{ mount: '/', upstream: up.url }] })
  const c = await session(v, { ca: ca.pem })
  c.socket.write('GET /stream HTTP/1.1\r\nhost: a.test\r\n\r\n')
  await until('the stream begins', () => c.got.includes('first'))
  const shown = async () => (await ask(v, { ca: ca.pem })).certificate.subject.CN
  assert.equal(await shown(), 'one')
  put(two)
  assert.equal(await shown(), 'one')
  assert.equal(await v.reload(), 'reloaded')
  await until('the new certificate is shown', async () => await shown() === 'two')
  fs.copyFileSync(one.key, live.key)
  assert.equal(await v.reload(), 'reload_failed')
  await until('it is said where', () => /vigie\.yaml:1:\d+: tls: '.*live\.key' is not the certificate's key/.test(v.log))
  assert.equal(await shown(), 'two')
  gate.open()
  await until('the old connection ends its stream', () => c.got.endsWith('0\r\n\r\n'))
  c.socket.write('GET / HTTP/1.1\r\nhost: a.test\r\n\r\n')
  await until('and takes another request', () => c.got.match(/HTTP\/1\.1 200/g).length === 2)
  c.socket.destroy()
})

test('a goodbye only after all was said', async t => {
  const s = await stage(t), ca = authority(s.folder, 'ca'), one = ca.sign('one', ['a.test'])
  const up = await s.upstream(async call => {
    call.begin()
    await call.write('data: {"a":1}\n\n')
    call.url === '/cut' ? call.destroy() : call.end()
  })
  const v = await s.vigie({ listen: at(files(one)), routes: [{ mount: '/', upstream: up.url }] })
  // curl, since node takes an end without a goodbye for a good one. 56: broken off; 18: less than its framing says.
  const over = (path, version) => new Promise(k => execFile('curl', ['-sS', `--http${version}`, '--cacert', ca.certificate, '--connect-to', `a.test:443:127.0.0.1:${v.port}`, `https://a.test${path}`],
    (e, out, err) => { assert.match(out + err, /data: \{"a":1\}/); k(e?.code ?? 0) }))
  for (const version of ['1.0', '1.1']) {
    assert.equal(await over('/whole', version), 0)
    assert.ok([18, 56].includes(await over('/cut', version)))
  }
})

test('no greeting, half of one, and noise', async t => {
  const s = await stage(t), ca = authority(s.folder, 'ca'), one = ca.sign('one', ['a.test'])
  const up = await s.upstream(call => call.json(completion('x')))
  const v = await s.vigie({ listen: at(files(one)), config: 'limits: {head: 1s}', routes: [{ mount: '/', upstream: up.url }] })
  const [silent, plain, noise, half] = [await v.socket(), await v.socket(), await v.socket(), await v.socket()]
  await plain.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
  await noise.send('\x16\x03\x01\xff\xff' + crypto.randomBytes(4000).toString('latin1'))
  // The first half of a real greeting, then nothing.
  const taken = await new Promise(k => {
    const trap = net.createServer(x => x.once('data', d => { x.destroy(); trap.close(); k(d.toString('latin1')) }).on('error', () => {}))
    trap.listen(0, '127.0.0.1', () => tls.connect({ port: trap.address().port, host: '127.0.0.1', servername: 'a.test' }).on('error', () => {}))
  })
  await half.send(taken.slice(0, taken.length >> 1))
  for (const c of [silent, plain, noise, half])
    await until('it is closed', () => c.closed)
  assert.doesNotMatch(plain.got, /HTTP/)
  assert.equal(up.calls.length, 0)
  assert.equal((await ask(v, { ca: ca.pem })).status, 200)
})
