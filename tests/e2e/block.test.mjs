// SPDX-License-Identifier: Apache-2.0
// Not one letter of a blocked match gets out, wherever a stream is cut; what is no match arrives byte for byte, as soon as it came. Seen by plain
// clients in the very bytes. The letters of the marker occur nowhere else in these streams, so that any of them in an answer is a leak.
import assert from 'node:assert/strict'
import http from 'node:http'
import net from 'node:net'
import { test as node_test } from 'node:test'
import zlib from 'node:zlib'
import { answer, apis, events, told, values } from './apis.mjs'
import { Gate, h2_call, stage, until } from './stage.mjs'

// A gate that never opens must not keep the others waiting.
const test = (name, run) => node_test(name, { timeout: 3 * Number(process.env.PATIENCE ?? 10000) }, run)
const marker = 'ЖQ"\\Ω€Q', says = 'this must not be said'
const letters = /[ЖQΩ€]|\\u(0416|03[aA]9|20[aA][cC]|0051)/
const rules = `pack: p
version: 1
rules:
  - {id: no-marker, on: answer, when: {pattern: 'ЖQ"\\\\Ω€Q'}, action: block, severity: high, message: '${says}'}
  - {id: no-word, on: answer, when: {words: [zanzibar, "open sesame"]}, action: block, severity: high, message: '${says}'}
`
// Exchange ids are of capitals and digits: they are no leak.
const leaks = (text, why) => assert.doesNotMatch(text.replace(/\b01[0-9A-Z]{24}\b/g, ''), letters, why)
const escaped = json => json.replace(/[^\x00-\x7f]/g, x => '\\u' + x.charCodeAt(0).toString(16).padStart(4, '0'))
const routes = up => [...new Map(Object.values(apis).map(a => [a.mount, { mount: a.mount, upstream: up.url, api: a.api }])).values()]

// A client that keeps its connections, and reads bytes.
const agent = new http.Agent({ keepAlive: true, maxSockets: 8 })
const h1_call = (v, api, { text = 'hello', stream = true, headers = {}, seen } = {}) => new Promise(done => {
  const { path, body } = api.request(text, stream), chunks = []
  let head = {}
  // A cut by a reset is told to the request, not to the response: what came before it counts all the same.
  const end = cut => done({ status: head.statusCode, headers: head.headers, bytes: Buffer.concat(chunks), text: Buffer.concat(chunks).toString(), cut })
  const r = http.request(v.url + api.mount + path, { method: 'POST', agent, headers: { 'content-type': 'application/json', ...headers } }, res => {
    head = res
    res.on('data', d => { chunks.push(d); seen?.(Buffer.concat(chunks).toString()) }).on('end', () => end(!res.complete)).on('error', () => end(true))
  })
  r.on('error', () => end(true))
  r.end(JSON.stringify(body))
})
// CLIENT=h2: by HTTP/2, all calls of a vigie on one connection.
const by_h2 = process.env.CLIENT === 'h2'
const ask_h2 = async (v, api, text, stream, headers, seen) => {
  const { path, body } = api.request(text, stream)
  v.session ??= v.h2()
  return h2_call(await v.session, { ':method': 'POST', ':path': api.mount + path, 'content-type': 'application/json', ...headers }, JSON.stringify(body), seen)
}
const call = by_h2 ? (v, api, { text = 'hello', stream = true, headers = {}, seen } = {}) => ask_h2(v, api, text, stream, headers, seen) : h1_call
// The same over a plain socket: all bytes until it closes.
const raw_call = async (v, api) => {
  if (by_h2) {
    const r = await ask_h2(v, api, 'hello', true, {})
    return { status: r.status, bytes: r.text, whole: !r.cut }
  }
  const all = (await socket_call(v, api)).toString()
  return { status: Number(all.match(/^HTTP\/1\.1 (\d+) /)?.[1]), bytes: all.slice(all.indexOf('\r\n\r\n') + 4), whole: all.endsWith('\r\n0\r\n\r\n') }
}
const socket_call = (v, api) => new Promise((done, fail) => {
  const { path, body } = api.request('hello', true), text = JSON.stringify(body)
  const socket = net.connect(v.port, '127.0.0.1'), chunks = []
  socket.on('data', d => chunks.push(d)).on('error', fail).on('close', () => done(Buffer.concat(chunks)))
  socket.write(`POST ${api.mount}${path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`)
})
async function parallel(jobs, n, run) {
  const all = [...jobs]
  await Promise.all(Array.from({ length: n }, async () => { while (all.length) await run(all.shift()) }))
}
const breath = () => new Promise(k => setTimeout(k, 1))
// What the client was told before the cut; `lead` is what the head says.
function assert_cut(api, text, wanted, why) {
  leaks(text, why)
  assert.ok(text.includes(says), `${why}: the end is visible: ${text}`)
  const got = Object.entries(told(api, text)).filter(([channel, x]) => x && !x.startsWith('elsewhere')).map(([, x]) => x)
  assert.deepEqual(got, [wanted].filter(Boolean), `${why}: ${text}`)
}
const lead = api => api.framing === 'array' ? 'Well. ' : ''

for (const api of Object.values(apis)) {
  test(`${api.name}: a marker cut into deltas at every letter, with other events between`, async t => {
    const s = await stage(t)
    let n = 0
    const up = await s.upstream(async c => {
      const [i, between] = c.headers['x-cut'].split('/')
      const cuts = i === 'all' ? [...marker] : [marker.slice(0, i), marker.slice(i)]
      const text = 'the hen went ' + marker + ' and more'
      const pieces = ['the hen went ', ...cuts, ' and more'].map(api.delta)
      const mixed = between === 'none' ? pieces : pieces.flatMap(p => [api.between[n++ % api.between.length], p])
      c.begin(api.type)
      for (const e of [...api.head, ...mixed, ...api.tail(text)]) await c.write(i % 2 ? e : escaped(e))
      c.end()
    })
    const v = await s.vigie({ routes: routes(up), rules })
    const cuts = ['all', ...Array.from({ length: marker.length - 1 }, (_, i) => i + 1)].flatMap(i => ['none', ...api.between].map((_, j) => `${i}/${j || 'none'}`))
    await parallel(cuts, 6, async cut => {
      const r = await call(v, api, { headers: { 'x-cut': cut } })
      assert.equal(r.status, 200)
      assert.equal(r.cut, false, 'ended cleanly')
      assert_cut(api, r.text, lead(api) + 'the hen went ', cut)
    })
  })

  test(`${api.name}: a marker cut between writes at every byte, in the raw bytes of a socket`, async t => {
    const s = await stage(t)
    const make = escape => {
      const out = events(api, ['the hen went ', 'on ' + marker + '! ', 'and more']).map(e => Buffer.from(escape ? escaped(e) : e))
      const at = api.head.length + 1
      return { before: Buffer.concat(out.slice(0, at)), event: out[at], after: Buffer.concat(out.slice(at + 1)) }
    }
    const kinds = [make(false), make(true)], queue = []
    const up = await s.upstream(async c => {
      const { kind, i } = queue.shift()
      const k = kinds[kind]
      c.begin(api.type)
      await c.write(Buffer.concat([k.before, k.event.subarray(0, i)]))
      await breath()
      await c.write(Buffer.concat([k.event.subarray(i), k.after]))
      c.end()
    })
    const v = await s.vigie({ routes: routes(up), rules })
    const jobs = kinds.flatMap((k, kind) => Array.from({ length: k.event.length }, (_, i) => ({ kind, i })))
    await parallel(jobs, 6, async job => {
      queue.push(job)
      const { status, bytes, whole } = await raw_call(v, api)
      assert.equal(status, 200)
      leaks(bytes, JSON.stringify(job))
      assert.ok(bytes.includes(says) && bytes.includes('the hen went ') && !bytes.includes('and more'), `${JSON.stringify(job)}: ${bytes}`)
      assert.ok(whole, 'a whole HTTP message')
    })
  })

  // An event leaves whole: one that ends in what may begin a match waits for its next.
  test(`${api.name}: what is no match is not held and arrives byte for byte`, async t => {
    const s = await stage(t)
    const open = []
    const pieces = () => {
      const gates = [new Gate(), new Gate(), new Gate()]
      open.push(...gates)
      return ['one ', 'ЖQ"', gates[0], ' two ', 'Ж', 'Q"\\Ω€', gates[1], 'x, ', 'zanzi', gates[2], 'tango', ' open', ' sesamum', ' Z', 'anzibars']
    }
    const up = await s.upstream(c => answer(api, c, pieces()))
    const v = await s.vigie({ routes: routes(up), rules })
    const holds = ['one ', 'one ЖQ" two ', 'one ЖQ" two ЖQ"\\Ω€x, ']   // what must be there while each gate is shut
    let step = 0
    const r = await call(v, api, {
      seen: text => {
        const got = Object.values(told(api, text)).join('')
        if (step < 3 && got.startsWith(lead(api) + holds[step])) open[step++].open()
      },
    })
    assert.equal(step, 3)
    assert.equal(r.text, events(api, pieces().filter(p => typeof p === 'string')).join(''))
  })

  for (const [channel, delta] of Object.entries(api.channels ?? {}))
    test(`${api.name}: a marker in ${channel}; halves in two channels are none`, async t => {
      const s = await stage(t)
      const up = await s.upstream(async c => {
        const mixed = c.headers['x-mode'] === 'halves'
          ? [api.delta('so '), api.delta('ЖQ"\\'), delta('Ω€Q'), api.delta(' end')]
          : [api.delta('so '), ...[...('it: ' + marker)].flatMap(x => [delta(x), api.delta('.')]), api.delta(' end')]
        c.begin(api.type)
        c.sent = [...api.head, ...mixed, ...api.tail(c.headers['x-mode'] === 'halves' ? 'so ЖQ"\\ end' : 'so ........... end')]
        up.sent = c.sent.join('')
        for (const e of c.sent) await c.write(e)
        c.end()
      })
      const v = await s.vigie({ routes: routes(up), rules })
      const r = await call(v, api, { headers: { 'x-mode': 'whole' } })
      leaks(r.text)
      assert.ok(r.text.includes(says), r.text)
      const said = Object.values(told(api, r.text))
      assert.ok(said.includes('it: ') && said.some(x => x.startsWith('so ')), r.text)
      const h = await call(v, api, { headers: { 'x-mode': 'halves' } })
      assert.equal(h.text, up.sent, 'no match: as it came')
    })

  test(`${api.name}: the same text has the same verdict whole and as a stream`, async t => {
    const s = await stage(t)
    let text
    const up = await s.upstream(c => answer(api, c, [...text]))
    const v = await s.vigie({ routes: routes(up), rules })
    for (const [said, verdict] of [
      [marker, 'block'], ['a' + marker + 'b', 'block'], ['ЖQ"\\Ω€', 'allow'], ['ЖЖQ"\\Ω€Q', 'block'], ['ЖQ"ЖQ"\\Ω€Q', 'block'], ['zanzibar', 'block'], ['in ZANZÍBAR!', 'block'], ['zanzibars', 'allow'], ['azanzibar', 'allow'],
      ['z\u200ban\u00adzibar', 'block'], ['ｚａｎｚｉｂａｒ', 'block'], ['Open \t sesame.', 'block'], ['open, sesame', 'allow'], ['opensesame', 'allow'], ['Ж\u200dQ"\\Ω€Q', 'block'], ['end zanzibar', 'block'], ['zan-zibar', 'allow'], ['', 'allow'],
    ]) {
      text = said
      const whole = await call(v, api, { stream: false }), stream = await call(v, api)
      const streamed = stream.text.includes(says) ? 'block' : 'allow'
      assert.deepEqual([whole.status === 403 ? 'block' : 'allow', streamed], [verdict, verdict], JSON.stringify(said))
      if (verdict === 'block') {
        assert.equal(whole.headers['x-vigie-rule'], said.includes('Ω') ? 'no-marker' : 'no-word')
        assert.equal(whole.headers['x-vigie-verdict'], 'block')
        assert.equal(whole.headers['x-should-retry'], 'false')
        assert.equal(values({ ...api, framing: 'whole' }, whole.text).length, 1, 'the error is JSON')
      } else assert.equal(whole.text, api.whole(said))
    }
  })

  test(`${api.name}: compressed answers`, async t => {
    const s = await stage(t)
    const codings = { gzip: zlib.gzipSync, deflate: zlib.deflateSync, br: zlib.brotliCompressSync }
    const flush = { gzip: () => [zlib.createGzip(), zlib.constants.Z_SYNC_FLUSH], deflate: () => [zlib.createDeflate(), zlib.constants.Z_SYNC_FLUSH], br: () => [zlib.createBrotliCompress(), zlib.constants.BROTLI_OPERATION_FLUSH] }
    const up = await s.upstream(async c => {
      const [coding, said] = c.headers['x-mode'].split(' ')
      const text = said === 'bad' ? ['fine ', 'so far ', marker.slice(0, 4), marker.slice(4), ' then'] : ['fine ', 'so far ', 'and to the end']
      if (!api.streams(c)) {
        const body = codings[coding](api.whole(text.join('')))
        c.res.writeHead(200, { 'content-type': 'application/json', 'content-encoding': coding, 'content-length': body.length })
        return c.res.end(body)
      }
      c.begin(api.type, { 'content-encoding': coding })
      const [z, kind] = flush[coding]()
      z.on('data', d => c.res.write(d))
      const all = events(api, text)
      for (const e of all) { z.write(e); await new Promise(k => z.flush(kind, k)) }
      await new Promise(k => z.on('end', k).end())
      c.end()
    })
    const v = await s.vigie({ routes: routes(up), rules })
    for (const coding of Object.keys(codings)) {
      const unpack = bytes => { const o = { finishFlush: zlib.constants.Z_SYNC_FLUSH }; return (coding === 'gzip' ? zlib.gunzipSync(bytes, o) : coding === 'deflate' ? zlib.inflateSync(bytes, o) : zlib.brotliDecompressSync(bytes, { finishFlush: zlib.constants.BROTLI_OPERATION_FLUSH })).toString() }
      const good = await call(v, api, { headers: { 'x-mode': coding + ' good' } })
      assert.equal(unpack(good.bytes), events(api, ['fine ', 'so far ', 'and to the end']).join(''), coding)
      const whole = await call(v, api, { stream: false, headers: { 'x-mode': coding + ' bad' } })
      assert.deepEqual([whole.status, whole.headers['content-encoding']], [403, undefined])
      assert.ok(whole.text.includes(says))
      const bad = await call(v, api, { headers: { 'x-mode': coding + ' bad' } })
      let text = ''
      try { if (bad.bytes.length) text = unpack(bad.bytes) } catch (e) { assert.ok(bad.cut || bad.status === 403, `${coding}: ${e}`); text = bad.text }
      assert.ok(bad.cut || text.includes(says) || bad.text.includes(says), `${coding}: the end is visible`)
      leaks(text, coding)
    }
  })
}

test('the same events in every spelling of SSE', async t => {
  const s = await stage(t)
  const api = apis.chat
  const spell = {
    'CRLF': x => x.replaceAll('\n', '\r\n'), 'CR': x => x.replaceAll('\n', '\r'), 'no blank': x => x.replaceAll('data: ', 'data:'), 'a mark first': (x, i) => i ? x : '\ufeff' + x, 'ids': (x, i) => `id: ${i}\nretry: 5\n${x}`,
    'names after': x => x.replace(/\n\n$/, '\nevent: message\n\n'), 'lines': x => x.replace(/^data: (\{.*),"choices"/, 'data: $1,\ndata: "choices"'), 'comments': x => `: hello\n${x}`, 'pretty': x => x.includes('{') ? JSON.stringify(JSON.parse(x.slice(6)), null, 1).replace(/^/gm, 'data: ') + '\n\n' : x,
  }
  const types = [{ 'content-type': 'text/event-stream' }, { 'content-type': 'text/event-stream; charset=utf-8' }, { 'content-type': 'TEXT/Event-Stream' }, { 'content-type': 'text/plain' }, { 'content-type': 'application/json' }, {}]
  const up = await s.upstream(async c => {
    const [name, type] = c.headers['x-mode'].split('/')
    c.res.writeHead(200, types[type])
    const out = events(api, ['the hen went ', ...marker, ' then']).map(spell[name])
    for (const e of out) await c.write(e)
    c.end()
  })
  const v = await s.vigie({ routes: routes(up), rules })
  for (const name of Object.keys(spell))
    for (const type of types.keys()) {
      const r = await call(v, api, { headers: { 'x-mode': `${name}/${type}` } })
      leaks(r.text, `${name} ${type}`)
      assert.ok(r.cut || r.text.includes(says), `${name} ${type}: the end is visible: ${r.text}`)
      if (type < 3) assert.ok(r.text.includes('hen went') && !r.cut, `${name} ${type}: ${r.text}`)
    }
})

test('a text that only a last event says', async t => {
  const s = await stage(t)
  const api = apis.responses
  const up = await s.upstream(async c => {
    c.begin(api.type)
    for (const e of [...api.head, api.delta('fine. '), ...api.tail('fine. ').slice(0, c.headers['x-from']), ...api.tail(`fine. ${marker}`).slice(c.headers['x-from'])]) { await c.write(e); await new Promise(k => setTimeout(k, 20)) }
    c.end()
  })
  const v = await s.vigie({ routes: routes(up), rules })
  for (const from of [0, 1, 2, 3]) {
    const r = await call(v, api, { headers: { 'x-from': from } })
    leaks(r.text, String(from))
    assert.ok(r.text.includes(says) && r.text.includes('"fine. "'), `${from}: ${r.text}`)
  }
})

test('whole answers however they are labelled or broken, and texts of unknown APIs', async t => {
  const s = await stage(t)
  const body = apis.chat.whole('so ' + marker), types = [['application/json'], ['application/json; charset=utf-8'], ['text/plain'], ['text/html'], ['application/octet-stream'], ['text/event-stream'], ['application/x-ndjson'], []]
  const up = await s.upstream(async c => {
    const mode = c.headers['x-mode']
    const type = types[c.headers['x-type']][0]
    const bytes = { plain: body, escaped: escaped(body), mark: '\ufeff' + body, rest: body + '\n{"x":1}', cut: body.slice(0, -30), text: `Just words: ${marker}, no JSON`, array: `[${body}]`, padded: ' '.repeat(200000) + body }[mode]
    c.res.writeHead(200, type ? { 'content-type': type } : {})
    const b = Buffer.from(bytes)
    for (let i = 0; i < b.length; i += mode === 'padded' ? 65536 : 37) await c.write(b.subarray(i, i + (mode === 'padded' ? 65536 : 37)))
    c.end()
  })
  const v = await s.vigie({ routes: [...routes(up), { mount: '/raw', upstream: up.url, api: 'raw' }, { mount: '/auto', upstream: up.url, api: 'auto' }], rules })
  const raw = { mount: '/raw', request: () => ({ path: '/any/thing', body: { q: 1 } }) }, auto = { ...apis.chat, mount: '/auto' }
  const leaked = []   // all of them: one does not hide the others
  for (const api of [apis.chat, auto, raw])
    for (const mode of ['plain', 'escaped', 'mark', 'rest', 'cut', 'text', 'array', 'padded'])
      for (const type of types.keys()) {
        const r = await call(v, api, { stream: false, headers: { 'x-mode': mode, 'x-type': type } })
        if (letters.test(r.text) || !(r.status === 403 || r.cut || r.text.includes(says))) leaked.push(`${api.mount} ${mode} ${types[type][0]}: ${r.status} ${r.text.slice(0, 60)}`)
      }
  assert.deepEqual(leaked, [])
})

test('a stream that comes in one piece: what stands before the marker leaves', async t => {
  const s = await stage(t)
  let api
  const up = await s.upstream(async c => { c.begin(api.type); await c.write(events(api, ['the hen ', 'went ', marker, ' then']).join('')); c.end() })
  const v = await s.vigie({ routes: routes(up), rules })
  for (api of Object.values(apis)) {
    const r = await call(v, api)
    assert_cut(api, r.text, lead(api) + 'the hen went ', api.name)
  }
})

test('a raw text leaves as it comes, and stops at the marker', async t => {
  const s = await stage(t)
  const gate = new Gate()
  const up = await s.upstream(async c => {
    c.begin('text/plain; charset=utf-8')
    await c.write('the hen went ')
    await gate.opened
    for (const b of Buffer.from(marker)) { await c.write(Buffer.from([b])); await breath() }
    await c.write(' then')
    c.end()
  })
  const v = await s.vigie({ routes: [{ mount: '/raw', upstream: up.url, api: 'raw' }], rules })
  const r = await call(v, { mount: '/raw', request: () => ({ path: '/x', body: {} }) }, { seen: x => { if (x === 'the hen went ') gate.open() } })
  assert.ok(r.text.startsWith('the hen went '), JSON.stringify(r))
  leaks(r.text)
  assert.ok(r.cut)
  await until('recorded', () => v.records().some(x => x.verdict === 'block'))
})
