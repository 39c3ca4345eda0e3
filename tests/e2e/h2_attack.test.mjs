// SPDX-License-Identifier: Apache-2.0
// HTTP/2 against us: heads with two meanings, bodies that are not what they say, and what is cheap to send and dear to answer. After each, others are served.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, PRIORITY, PUSH_PROMISE, RST_STREAM, SETTINGS, WINDOW_UPDATE, block, frame, get, hostile, post, preface, u32 } from './frames.mjs'
import { Gate, h2_call, stage, until } from './stage.mjs'

const routes = (up, more = {}) => [{ mount: '/', upstream: up.url, api: 'raw', ...more }]
const whole = END_HEADERS | END_STREAM
const PROTOCOL = 1, FLOW = 3, REFUSED = 7
const without = (fields, name) => fields.filter(([n]) => n !== name)
const served = async v => assert.equal((await h2_call(await v.h2(), { ':path': '/ok' })).status, 200, 'the next client is served')

test('a head with two meanings has none: nothing goes upstream', async t => {
  const s = await stage(t), up = await s.upstream(call => call.json({}))
  const v = await s.vigie({ routes: routes(up) })
  // [what, fields, answer: a status, or reset]
  const cases = [
    ['capitals in a name', get('/', [['X-Up', 'a']])], ['a blank in a name', get('/', [['x up', 'a']])], ['an empty name', get('/', [['', 'a']])], ['a colon in a name', get('/', [['x:y', 'a']])],
    ['a line end in a name', get('/', [['x\r\ny', 'a']])], ['CRLF in a value', get('/', [['x', 'a\r\nhost: evil']])], ['LF in a value', get('/', [['x', 'a\nb']])], ['NUL in a value', get('/', [['x', 'a\0b']])],
    ['a blank before a value', get('/', [['x', ' a']])], ['a control byte', get('/', [['x', 'a\x01b']])],
    ['connection', get('/', [['connection', 'close']])], ['keep-alive', get('/', [['keep-alive', 'timeout=1']])], ['proxy-connection', get('/', [['proxy-connection', 'close']])], ['transfer-encoding', post('/', [['transfer-encoding', 'chunked']])],
    ['upgrade', get('/', [['upgrade', 'websocket']])], ['te other than trailers', get('/', [['te', 'gzip']])],
    ['no method', without(get(), ':method')], ['no scheme', without(get(), ':scheme')], ['no path', without(get(), ':path')], ['an empty path', get('')], ['two paths', [...get(), [':path', '/b']]], ['two methods', [[':method', 'GET'], ...get()]],
    ['an unknown pseudo-header', [...get(), [':color', 'red']]], ['an answer\'s pseudo-header', [...get(), [':status', '200']]], ['a pseudo-header after a field', [...without(get(), ':path'), ['x', 'y'], [':path', '/']]], [':protocol unasked', [[':protocol', 'websocket'], ...get()]],
    ['two lengths', post('/', [['content-length', '1'], ['content-length', '2']])], ['a length that is none', post('/', [['content-length', '+1']])], ['a length beyond all', post('/', [['content-length', '99999999999999999999']])],
    ['a host that is another', get('/', [['host', 'evil.test']]), 400], ['two hosts', get('/', [['host', 'a.test'], ['host', 'a.test']])], ['no authority and no host', without(get(), ':authority')], ['a user in the authority', without(get(), ':authority').concat([[':authority', 'u@a.test']])],
    ['a path in the authority', without(get(), ':authority').concat([[':authority', 'a.test/x']])], ['a blank in the path', get('/a b')], ['a request line in the path', get('/ HTTP/1.1\r\nx: y')], ['an absolute path', get('http://evil.test/')], ['a path without a slash', get('evil')],
    ['a fragment', get('/a#b')], ['a star for GET', get('*')], ['dot segments', get('/a/../b'), 400], ['encoded dot segments', get('/a/%2e%2e/b'), 400], ['a scheme of its own', [[':method', 'GET'], [':scheme', 'ftp'], [':path', '/'], [':authority', 'a']]],
    ['a blank in the method', [[':method', 'GET /x'], ...get().slice(1)]], ['CONNECT', [[':method', 'CONNECT'], [':authority', 'a:443']], 501], ['TRACE', [[':method', 'TRACE'], ...get().slice(1)], 501],
    ['an unknown expectation', post('/', [['content-length', '1'], ['expect', 'magic']]), 417], ['many fields', get('/', Array.from({ length: 200 }, (_, i) => [`x-${i}`, 'y'])), 431], ['much in one field', get('/', [['x', 'y'.repeat(16000)], ['z', 'y'.repeat(50)]]), 431],
  ]
  for (const [what, fields, wanted] of cases) {
    const c = await hostile(v)
    const body = block(fields), has_body = fields.some(([, x]) => x === 'POST')
    // 64k is the limit: the last case is sent as four fields of 16 kB each in one block of several frames.
    const full = what === 'much in one field' ? Buffer.concat([block(get()), ...Array(5).fill(block([['x', 'y'.repeat(15000)]]))]) : body
    const frames = []
    for (let i = 0; i < full.length; i += 16000) frames.push(frame(i ? CONTINUATION : HEADERS, (i + 16000 >= full.length ? END_HEADERS : 0) | (i || has_body ? 0 : END_STREAM), 1, full.subarray(i, i + 16000)))
    await c.put(preface, frame(SETTINGS, 0, 0), ...frames)
    const end = await c.outcome(1)
    if (wanted) assert.deepEqual([end.ended ?? end.reset === 0, c.status(1)], [true, wanted], what)
    else assert.ok(end.reset || end.goaway || (end.ended && c.status(1) >= 400), `${what}: ${JSON.stringify(end)} ${c.status(1)}`)
    c.close()
  }
  assert.deepEqual(up.calls.map(c => c.url), [])
  await served(v)
})

test('a body that is not what it says is a stream\'s error; the connection goes on', async t => {
  const s = await stage(t), up = await s.upstream(call => call.json({ n: call.body.length }))
  const v = await s.vigie({ routes: routes(up) }), c = await hostile(v)
  await c.begin()
  const length = n => post('/', [['content-length', n]])
  await c.put(frame(HEADERS, END_HEADERS, 1, block(length('5'))), frame(DATA, END_STREAM, 1, 'abc'))
  assert.deepEqual(await c.outcome(1), { reset: PROTOCOL })
  await c.put(frame(HEADERS, END_HEADERS, 3, block(length('2'))), frame(DATA, END_STREAM, 3, 'abc'))
  assert.deepEqual(await c.outcome(3), { reset: PROTOCOL })
  await c.put(frame(HEADERS, whole, 5, block(length('2'))))
  assert.deepEqual(await c.outcome(5), { reset: PROTOCOL })
  await c.put(frame(HEADERS, END_HEADERS, 7, block(length('0'))), frame(DATA, END_STREAM, 7, ''))
  assert.deepEqual(await c.outcome(7), { ended: true })
  await c.put(frame(HEADERS, END_HEADERS, 9, block(post())), frame(DATA, 8, 9, '\x05abc\0\0\0\0\0'), frame(HEADERS, whole, 9, block([['x-late', '1'], ['host', 'evil']])))
  assert.deepEqual(await c.outcome(9), { ended: true })
  assert.equal(up.calls.at(-1).body, 'abc')
  assert.deepEqual([up.calls.at(-1).headers['x-late'], up.calls.at(-1).headers.host], [undefined, up.url.slice(7)])
  await c.put(frame(HEADERS, END_HEADERS, 11, block(post())), frame(DATA, 0, 11, 'abc'), frame(HEADERS, whole, 11, block([[':path', '/x']])))
  assert.deepEqual(await c.outcome(11), { reset: PROTOCOL })
  await c.put(frame(HEADERS, END_HEADERS, 13, block(length('3'))), frame(DATA, 0, 13, 'ab'), frame(RST_STREAM, 0, 13, u32(8)))
  await c.put(frame(HEADERS, whole, 15, block(get('/last'))))
  assert.deepEqual(await c.outcome(15), { ended: true })
  for (const url of up.calls.map(x => x.body)) assert.ok(['', 'abc'].includes(url), 'no half body was answered')
  await served(v)
})

test('frames out of order or out of bounds end the connection', async t => {
  const s = await stage(t), up = await s.upstream(call => call.json({}))
  const v = await s.vigie({ routes: routes(up) })
  const cases = {
    'no settings first': [preface, frame(PING, 0, 0, '12345678')], 'a preface that is none': ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'.slice(0, 23) + 'X', frame(SETTINGS, 0, 0)],
    'HEADERS on stream 0': [preface, frame(SETTINGS, 0, 0), frame(HEADERS, whole, 0, block(get()))], 'HEADERS on an even stream': [preface, frame(SETTINGS, 0, 0), frame(HEADERS, whole, 2, block(get()))],
    'DATA on stream 0': [preface, frame(SETTINGS, 0, 0), frame(DATA, 0, 0, 'x')], 'DATA on no stream': [preface, frame(SETTINGS, 0, 0), frame(DATA, 0, 5, 'x')],
    'CONTINUATION alone': [preface, frame(SETTINGS, 0, 0), frame(CONTINUATION, END_HEADERS, 1, block(get()))], 'a frame within a head': [preface, frame(SETTINGS, 0, 0), frame(HEADERS, END_STREAM, 1, block(get())), frame(PING, 0, 0, '12345678')],
    'a frame too large': [preface, frame(SETTINGS, 0, 0), frame(DATA, 0, 1, 'x'.repeat(20000))], 'a pushed promise': [preface, frame(SETTINGS, 0, 0), frame(PUSH_PROMISE, END_HEADERS, 1, Buffer.concat([u32(2), block(get())]))],
    'a block that is no HPACK': [preface, frame(SETTINGS, 0, 0), frame(HEADERS, whole, 1, '\xff\xff\xff\xff\xff\xff\xff')], 'an index of nothing': [preface, frame(SETTINGS, 0, 0), frame(HEADERS, whole, 1, '\xfe')],
    'settings of a wrong size': [preface, frame(SETTINGS, 0, 0, 'abcde')], 'a window beyond all': [preface, frame(SETTINGS, 0, 0), frame(WINDOW_UPDATE, 0, 0, u32(0x7fffffff))], 'a window of nothing': [preface, frame(SETTINGS, 0, 0), frame(WINDOW_UPDATE, 0, 0, u32(0))],
    'padding beyond the frame': [preface, frame(SETTINGS, 0, 0), frame(HEADERS, END_HEADERS, 1, block(post())), frame(DATA, 8, 1, '\xffabc')], 'a table larger than allowed': [preface, frame(SETTINGS, 0, 0), frame(HEADERS, whole, 1, '\x3f\xe1\xff\xff\x7f')],
  }
  for (const [what, bytes] of Object.entries(cases)) {
    const c = await hostile(v)
    await c.put(...bytes)
    await c.until(`closed: ${what}`, x => x.closed || x.of(GOAWAY).length)
    if (c.of(GOAWAY).length) assert.notEqual(c.code(c.of(GOAWAY)[0]), 0, what)
    await c.until(`closed: ${what}`, x => x.closed)
  }
  await served(v)
})

test('floods: resets, settings, pings, priorities, empty frames, endless heads; each ends its own connection', async t => {
  const s = await stage(t), gate = new Gate()
  const up = await s.upstream(async call => { if (call.url !== '/ok') await gate.opened; call.json({}) })
  const v = await s.vigie({ routes: routes(up) })
  const flood = async (what, make, n, begin = []) => {
    const c = await hostile(v)
    await c.begin()
    await c.put(...begin)
    for (let i = 0; i < n && !c.closed; i += 100) await c.put(...Array.from({ length: 100 }, (_, k) => make(i + k)).flat())
    await c.until(`ended: ${what}`, x => x.closed || x.of(GOAWAY).length)
    if (c.of(GOAWAY).length) assert.notEqual(c.code(c.of(GOAWAY)[0]), 0, what)
    await c.until(`closed: ${what}`, x => x.closed)
    return c
  }
  const one = frame(HEADERS, END_HEADERS, 1, block(post()))
  await flood('rapid resets', i => [frame(HEADERS, whole, 2 * i + 1, block(get('/slow'))), frame(RST_STREAM, 0, 2 * i + 1, u32(8))], 6000)
  await flood('resets that we are made to send', i => [frame(HEADERS, END_HEADERS, 2 * i + 1, block(post())), frame(WINDOW_UPDATE, 0, 2 * i + 1, u32(0))], 6000)
  await flood('resets for bodies of a wrong length', i => [frame(HEADERS, END_HEADERS, 2 * i + 1, block(post('/', [['content-length', '1']]))), frame(DATA, END_STREAM, 2 * i + 1, 'ab')], 6000)
  await flood('settings', () => frame(SETTINGS, 0, 0), 20000)
  await flood('pings', () => frame(PING, 0, 0, '12345678'), 20000)
  await flood('empty data', () => frame(DATA, 0, 1, ''), 20000, [one])
  await flood('padding alone', () => frame(DATA, 8, 1, '\0'), 20000, [one])
  await flood('a head without end', () => frame(CONTINUATION, 0, 1, block([['x', 'y'.repeat(100)]])), 20000, [frame(HEADERS, END_STREAM, 1, block(get()))])
  await flood('empty pieces of a head', () => frame(CONTINUATION, 0, 1, ''), 20000, [frame(HEADERS, END_STREAM, 1, block(get()))])
  // A table entry of 4000 bytes, then a byte for each time it is said again: 4 MB of fields in a frame of 1 kB.
  const entry = Buffer.concat([Buffer.from([0x40, 1]), Buffer.from('x'), Buffer.from([127, 0xa1, 0x1e]), Buffer.alloc(4000, 'y')])
  const bomb = await hostile(v)
  await bomb.begin()
  await bomb.put(frame(HEADERS, whole, 1, Buffer.concat([block(get()), entry, Buffer.alloc(1000, 0xbe)])))
  await bomb.until('closed: a bomb of fields', x => x.closed)
  assert.ok(await v.metric('vigie_http2_broken_total') >= 8)
  // Priorities mean nothing here, and a stream's number never goes back: both are passed over.
  const odd = await hostile(v)
  await odd.begin()
  await odd.put(...Array.from({ length: 20000 }, (_, i) => frame(PRIORITY, 0, 2 * i + 1, Buffer.concat([u32(0), Buffer.from([1])]))), frame(HEADERS, whole, 9, block(get('/ok'))), frame(HEADERS, whole, 3, block(get('/back'))), frame(HEADERS, whole, 11, block(get('/ok'))))
  await odd.outcome(11)
  assert.deepEqual([odd.status(9), odd.status(3), odd.status(11)], [200, undefined, 200])
  assert.ok(!up.calls.some(x => x.url === '/back'))
  gate.open()
  await until('no exchange is left', async () => await v.metric('vigie_exchanges_open') === 0)
  await served(v)
})

test('more streams than allowed are refused, one by one', async t => {
  const s = await stage(t), gate = new Gate(), up = await s.upstream(async call => { await gate.opened; call.json({}) })
  const v = await s.vigie({ routes: routes(up) }), c = await hostile(v)
  await c.put(preface, frame(SETTINGS, 0, 0), ...Array.from({ length: 140 }, (_, i) => frame(HEADERS, whole, 2 * i + 1, block(get()))))
  await c.until('the rest is refused', x => x.of(RST_STREAM).length === 12)
  assert.ok(c.of(RST_STREAM).every(f => c.code(f) === REFUSED && f.stream > 256))
  await until('the others are asked', () => up.calls.length === 128)
  gate.open()
  await c.until('and answered', x => x.frames.filter(f => f.flags & END_STREAM && f.type === DATA).length === 128)
  assert.equal(c.closed, false)
})

test('slow heads and bodies, windows that never open, a reader that does not read: each has an end', async t => {
  const s = await stage(t)
  const up = await s.upstream(call => call.url === '/large' ? call.res.end(Buffer.alloc(1 << 20, 'x')) : call.json({}))
  const v = await s.vigie({ config: 'limits: {head: 1s, idle: 1500ms}', routes: routes(up) })
  const head = await hostile(v), body = await hostile(v), window = await hostile(v), idle = await hostile(v), drops = await hostile(v), half = await v.socket()
  await half.send('PRI * HTTP/2.0\r\n\r\nS')
  for (const c of [head, body, window, idle, drops]) await c.begin()
  await head.put(frame(HEADERS, END_STREAM, 1, block(get())))
  await body.put(frame(HEADERS, END_HEADERS, 1, block(post('/', [['content-length', '10']]))), frame(DATA, 0, 1, 'abc'))
  await window.put(frame(SETTINGS, 0, 0, '\0\x04\0\0\0\0'), frame(HEADERS, whole, 1, block(get('/large'))))
  await drops.put(frame(HEADERS, END_HEADERS, 1, block(post('/', [['content-length', '1000']]))))
  await until('a byte now and then has the pace\'s time', async () => { if (drops.closed || drops.status(1) === 408) return true; await drops.put(frame(DATA, 0, 1, 'x')); return false })
  assert.equal(drops.status(1), 408)
  await head.until('the head\'s time is over', x => x.closed)
  await body.until('the body\'s time is over', x => x.status(1) === 408)
  await window.until('the window\'s time is over', x => x.of(RST_STREAM, 1).length || x.closed)
  assert.equal(window.of(DATA).length, 0)
  await idle.until('the idle time is over', x => x.closed)
  await half.until('half a preface has a head\'s time', x => x.closed)
  await served(v)
})

test('a window that a client overruns is an error of that stream or connection', async t => {
  const s = await stage(t), gate = new Gate()
  const up = await s.upstream(async call => { call.req.pause(); await gate.opened; call.req.resume(); call.json({}) }, { early: true })
  const v = await s.vigie({ routes: routes(up) }), c = await hostile(v)
  await c.begin()
  await c.put(frame(HEADERS, END_HEADERS, 1, block(post())), ...Array.from({ length: 400 }, () => frame(DATA, 0, 1, 'x'.repeat(16384))))
  const end = await c.outcome(1)
  assert.ok(end.reset === FLOW || end.goaway === FLOW, JSON.stringify(end))
  gate.open()
})
