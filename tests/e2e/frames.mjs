// SPDX-License-Identifier: Apache-2.0
// HTTP/2 by hand, for what no library would send: frames from parts, header blocks of literals (no table, no Huffman), and a reader of frames.
import { until } from './stage.mjs'

export const DATA = 0, HEADERS = 1, PRIORITY = 2, RST_STREAM = 3, SETTINGS = 4, PUSH_PROMISE = 5, PING = 6, GOAWAY = 7, WINDOW_UPDATE = 8, CONTINUATION = 9
export const END_STREAM = 1, ACK = 1, END_HEADERS = 4
export const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
export function frame(type, flags, stream, payload = '') {
  const body = Buffer.isBuffer(payload) ? payload : Buffer.from(payload, 'latin1'), head = Buffer.alloc(9)
  head.writeUIntBE(body.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, body])
}
export const u32 = n => { const b = Buffer.alloc(4); b.writeUInt32BE(n); return b }
const number = n => { // after 7 bits of prefix, all taken
  if (n < 127) return Buffer.from([n])
  const out = [127]
  for (n -= 127; n >= 128; n = Math.floor(n / 128)) out.push(n % 128 + 128)
  return Buffer.from([...out, n])
}
const text = s => { const b = Buffer.from(s, 'latin1'); return Buffer.concat([number(b.length), b]) }
// [[name, value], …] as a block of literals without indexing.
export const block = fields => Buffer.concat(fields.flatMap(([n, v]) => [Buffer.from([0]), text(n), text(v)]))
export const get = (path = '/', more = []) => [[':method', 'GET'], [':scheme', 'http'], [':path', path], [':authority', 'a.test'], ...more]
export const post = (path = '/', more = []) => [[':method', 'POST'], ...get(path, more).slice(1)]

// A connection that sends what it is told and keeps the frames that come.
export async function hostile(v) {
  const c = await v.socket()
  c.frames = []
  let rest = Buffer.alloc(0)
  c.socket.on('data', d => {
    rest = Buffer.concat([rest, d])
    while (rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
      const n = rest.readUIntBE(0, 3)
      c.frames.push({ type: rest[3], flags: rest[4], stream: rest.readUInt32BE(5), body: rest.subarray(9, 9 + n) })
      rest = rest.subarray(9 + n)
    }
  })
  c.put = (...frames) => new Promise(k => c.socket.write(Buffer.concat(frames.map(f => Buffer.isBuffer(f) ? f : Buffer.from(f, 'latin1'))), k))
  c.begin = () => c.put(preface, frame(SETTINGS, 0, 0))
  c.of = (type, stream) => c.frames.filter(f => f.type === type && (stream === undefined || f.stream === stream))
  c.code = f => f && f.body.readUInt32BE(f.type === GOAWAY ? 4 : 0)
  // How stream ended: {reset: code} or {ended: true}; or the connection: {goaway: code} or {closed: true}.
  c.outcome = stream => until(`stream ${stream} ends`, () => {
    const reset = c.of(RST_STREAM, stream)[0], goaway = c.of(GOAWAY)[0]
    if (reset) return { reset: c.code(reset) }
    if (c.frames.some(f => f.stream === stream && (f.type === DATA || f.type === HEADERS) && f.flags & END_STREAM)) return { ended: true }
    if (goaway && c.code(goaway)) return { goaway: c.code(goaway) }
    return c.closed && { closed: true }
  })
  // :status of an answer: a literal or one of HPACK's indexed ones.
  c.status = stream => {
    const b = c.of(HEADERS, stream)[0]?.body
    if (!b) return undefined
    const indexed = { 0x88: 200, 0x89: 204, 0x8a: 206, 0x8b: 304, 0x8c: 400, 0x8d: 404, 0x8e: 500 }
    if (indexed[b[0]]) return indexed[b[0]]
    if (!(b[1] & 0x80)) return Number(b.subarray(2, 5))
    // Huffman's digits (RFC 7541 B): 0 to 2 have five bits, 3 to 9 six.
    let bits = [...b.subarray(2, 2 + (b[1] & 0x7f))].map(x => x.toString(2).padStart(8, '0')).join(''), digits = ''
    while (digits.length < 3 && bits.length > 4) {
      const five = parseInt(bits.slice(0, 5), 2), n = five < 3 ? 5 : 6
      digits += five < 3 ? five : parseInt(bits.slice(0, 6), 2) - 0x19 + 3
      bits = bits.slice(n)
    }
    return Number(digits)
  }
  return c
}
