// SPDX-License-Identifier: Apache-2.0
// A forbidden text in a prompt is found wherever a model would read it and however it is written down; what cannot be read is refused when a rule
// that blocks would have to look at it. Nothing of such a request goes upstream.
import assert from 'node:assert/strict'
import http from 'node:http'
import { test } from 'node:test'
import zlib from 'node:zlib'
import { completion, stage } from './stage.mjs'

const rules = `pack: p
version: 1
rules:
  - {id: no-word, on: prompt, when: {words: [zanzibar]}, action: block, message: "not this"}
  - {id: no-code, on: prompt, when: {pattern: 'QX-[0-9]{4}'}, action: block, message: "not this"}
`
const word = 'zanzibar', code = 'QX-4711'
const user = content => ({ model: 'm', messages: [{ role: 'user', content }] })
const json = x => JSON.stringify(x)
const unicode = x => [...x].map(c => '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0')).join('')
const all_escaped = x => json(user('@')).replace('@', unicode(x))

// [where it hides, path, body, headers]
const texts = [
  ['a letter escaped', all_escaped('see zanzibar now')], ['capital hex', json(user('@')).replace('@', '\\u007A\\u0061nzibar')], ['escaped keys', `{"model":"m","\\u006dessages":[{"role":"user","c\\u006fntent":"${word}"}]}`],
  ['the first of two keys', `{"model":"m","messages":[{"role":"user","content":"${word}","content":"fine"}]}`], ['the last of two keys', `{"model":"m","messages":[{"role":"user","content":"fine","content":"${word}"}]}`],
  ['the first of two lists', `{"model":"m","messages":[{"role":"user","content":"${word}"}],"messages":[{"role":"user","content":"fine"}]}`], ['the last of two lists', `{"model":"m","messages":[{"role":"user","content":"fine"}],"messages":[{"role":"user","content":"${word}"}]}`],
  ['a tool result', json({ model: 'm', messages: [{ role: 'user', content: 'x' }, { role: 'tool', tool_call_id: 't', content: word }] })], ['parts', json(user([{ type: 'text', text: 'fine' }, { type: 'text', text: word }]))],
  ['a part of no known type', json(user([{ type: 'hologram', payload: { deep: [{ er: word }] } }]))], ['a role of no known name', json({ model: 'm', messages: [{ role: 'oracle', content: word }] })],
  ['a call\'s arguments', json({ model: 'm', messages: [{ role: 'assistant', tool_calls: [{ id: 't', type: 'function', function: { name: 'f', arguments: json({ q: word }) } }] }] })],
  ['arguments escaped twice', json({ model: 'm', messages: [{ role: 'assistant', tool_calls: [{ id: 't', type: 'function', function: { name: 'f', arguments: `{"q":"${unicode(word)}"}` } }] }] })],
  ['a tool\'s description', json({ ...user('x'), tools: [{ type: 'function', function: { name: 'f', description: `about ${word}`, parameters: { type: 'object' } } }] })],
  ['a schema\'s description', json({ ...user('x'), tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'object', properties: { a: { type: 'string', description: word } } } } }] })],
  ['an answer\'s schema', json({ ...user('x'), response_format: { type: 'json_schema', json_schema: { name: 's', schema: { description: word } } } })], ['a system text', json({ model: 'm', messages: [{ role: 'system', content: word }, { role: 'user', content: 'x' }] })],
  ['a field of no known name', json({ ...user('x'), notes_for_model: word })], ['a prediction', json({ ...user('x'), prediction: { type: 'content', content: word } })], ['a name', json({ model: 'm', messages: [{ role: 'user', name: word, content: 'x' }] })],
  ['capitals', json(user('ZANZIBAR'))], ['full width', json(user('ｚａｎｚｉｂａｒ'))], ['mathematical letters', json(user('𝐳𝐚𝐧𝐳𝐢𝐛𝐚𝐫'))], ['zero width', json(user('zan\u200bzi\u2060bar'))], ['soft hyphens', json(user('zan\u00adzibar'))], ['accents', json(user('zánzíbär'))],
  ['variation selectors', json(user('z\ufe0fanzibar'))], ['a pattern in full width', json(user('ＱＸ－４７１１'))], ['a pattern with joiners', json(user('QX\u200d-47\u200c11'))],
  ['a byte order mark', '\ufeff' + json(user(word))], ['blanks before', ' \r\n\t'.repeat(20000) + json(user(word))], ['a second document', json(user('fine')) + '\n' + json(user(word))], ['text after', json(user('fine')) + ` and ${word}`],
  ['a comment', `{"model":"m",/* ${word} */"messages":[]}`], ['single quotes', `{'messages':[{'role':'user','content':'${word}'}]}`], ['no JSON', `please tell ${word}`], ['nested deep', '['.repeat(3000) + `"${word}"` + ']'.repeat(3000)],
  ['cut off', json(user(word)).slice(0, -4)], ['a number without end', `{"x":${'9'.repeat(50000)},"messages":[{"role":"user","content":"${word}"}]}`], ['a lone surrogate', `{"model":"m","messages":[{"role":"user","content":"\\ud800 ${word}"}]}`],
  ['much before', json({ model: 'm', messages: [...Array.from({ length: 300 }, () => ({ role: 'user', content: 'lorem ipsum '.repeat(300) })), { role: 'user', content: word }] })],
].map(([why, body]) => [why, '/openai/v1/chat/completions', body])
const elsewhere = [
  ['responses: input', '/openai/v1/responses', json({ model: 'm', input: word })], ['responses: items', '/openai/v1/responses', json({ model: 'm', input: [{ role: 'user', content: [{ type: 'input_text', text: word }] }] })],
  ['responses: a call\'s output', '/openai/v1/responses', json({ model: 'm', input: [{ type: 'function_call_output', call_id: 'c', output: word }] })], ['responses: instructions', '/openai/v1/responses', json({ model: 'm', instructions: word, input: 'x' })],
  ['completions: one of a list', '/openai/v1/completions', json({ model: 'm', prompt: ['x', word] })], ['completions: suffix', '/openai/v1/completions', json({ model: 'm', prompt: 'x', suffix: word })], ['embeddings', '/openai/v1/embeddings', json({ model: 'm', input: ['x', word] })],
  ['an unknown path', '/openai/v9/whatever', json({ anything: { at: ['all', word] } })], ['moderations', '/openai/v1/moderations', json({ input: word })],
  ['anthropic: system', '/anthropic/v1/messages', json({ model: 'm', max_tokens: 1, system: [{ type: 'text', text: word }], messages: [{ role: 'user', content: 'x' }] })],
  ['anthropic: a tool result, nested', '/anthropic/v1/messages', json({ model: 'm', max_tokens: 1, messages: [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content: [{ type: 'text', text: word }] }] }] })],
  ['anthropic: a call\'s input', '/anthropic/v1/messages', json({ model: 'm', max_tokens: 1, messages: [{ role: 'assistant', content: [{ type: 'tool_use', id: 't', name: 'f', input: { a: { b: word } } }] }] })],
  ['anthropic: a document', '/anthropic/v1/messages', json({ model: 'm', max_tokens: 1, messages: [{ role: 'user', content: [{ type: 'document', source: { type: 'text', media_type: 'text/plain', data: word } }] }] })],
  ['anthropic: a batch', '/anthropic/v1/messages/batches', json({ requests: [{ custom_id: 'a', params: user('x') }, { custom_id: 'b', params: user(word) }] })],
  ['gemini: camel case', '/gemini/v1beta/models/m:generateContent', json({ systemInstruction: { parts: [{ text: word }] }, contents: [{ parts: [{ text: 'x' }] }] })], ['gemini: snake case', '/gemini/v1beta/models/m:generateContent', json({ system_instruction: { parts: [{ text: word }] }, contents: [] })],
  ['gemini: a function\'s response', '/gemini/v1beta/models/m:streamGenerateContent?alt=sse', json({ contents: [{ parts: [{ functionResponse: { name: 'f', response: { a: [word] } } }] }] })],
  ['ollama: system', '/ollama/api/generate', json({ model: 'm', prompt: 'x', system: word })], ['ollama: template', '/ollama/api/generate', json({ model: 'm', prompt: 'x', template: word })], ['ollama: chat', '/ollama/api/chat', json(user(word))],
  ['cohere: documents', '/cohere/v2/chat', json({ ...user('x'), documents: [{ data: { text: word } }] })], ['cohere: rerank', '/cohere/v2/rerank', json({ model: 'm', query: 'x', documents: ['y', word] })],
  ['raw', '/raw/any', json({ a: { b: word } })], ['raw text', '/raw/any', `Tell me of ${word}.`], ['auto', '/auto/v1/chat/completions', json(user(word))],
]
const send = (v, path, body, headers = {}, method = 'POST', chunks) => new Promise((done, fail) => {
  const r = http.request(v.url + path, { method, headers: Object.fromEntries(Object.entries({ 'content-type': 'application/json', ...headers }).filter(p => p[1] !== undefined)) }, res => {
    let text = ''
    res.on('data', d => { text += d }).on('end', () => done({ status: res.statusCode, headers: res.headers, text }))
  })
  r.on('error', fail)
  if (chunks) for (const c of chunks) r.write(c)
  else { r.setHeader('content-length', Buffer.byteLength(body)); r.write(body) }
  r.end()
})
async function open(t) {
  const s = await stage(t)
  const up = await s.upstream(c => c.json(completion('fine')))
  const route = (mount, api) => ({ mount, upstream: up.url, api })
  const v = await s.vigie({ routes: [route('/openai', 'openai'), route('/anthropic', 'anthropic'), route('/gemini', 'gemini'), route('/ollama', 'ollama'), route('/cohere', 'cohere'), route('/raw', 'raw'), route('/auto', 'auto')], rules })
  return { up, v }
}
// All of a list at once: one failure does not hide the others.
async function all_blocked(t, cases) {
  const { up, v } = await open(t), passed = []
  for (const [why, path, body, headers, method, chunks] of cases) {
    const r = await send(v, path, body, headers, method, chunks)
    if (r.status !== 403 || r.headers['x-vigie-verdict'] !== 'block') passed.push(`${why}: ${r.status} ${r.text.slice(0, 80)}`)
  }
  assert.deepEqual(passed, [])
  assert.deepEqual(up.calls.map(c => c.body.slice(0, 200)), [], 'nothing went upstream')
  assert.equal((await send(v, '/openai/v1/chat/completions', json(user('Tell me of Kenya.')))).status, 200)
}
test('the same JSON said otherwise, and the same text to a reader', t => all_blocked(t, texts))
test('everywhere that a model reads, in every API', t => all_blocked(t, elsewhere))
test('the same body, wrapped and labelled in every way', t => {
  const body = json(user(`go to ${word} ${code}`)), path = '/openai/v1/chat/completions', bytes = Buffer.from(body)
  const packed = (name, bytes, claimed = name) => [name, path, bytes, { 'content-encoding': claimed }]
  return all_blocked(t, [
    packed('gzip', zlib.gzipSync(body)), packed('deflate', zlib.deflateSync(body)), packed('deflate', zlib.deflateRawSync(body)), packed('br', zlib.brotliCompressSync(body)), packed('gzip', zlib.gzipSync(body), 'x-gzip'), packed('gzip', zlib.gzipSync(body), 'GZIP'),
    packed('gzip twice', zlib.gzipSync(zlib.gzipSync(body)), 'gzip, gzip'), packed('br in gzip', zlib.gzipSync(zlib.brotliCompressSync(body)), 'br, gzip'), packed('identity', bytes), packed('two members', Buffer.concat([zlib.gzipSync('{"model":"m","messages":'), zlib.gzipSync(`["${word}"]}`)]), 'gzip'),
    packed('claimed, not packed', bytes, 'gzip'), packed('claimed wrongly', zlib.gzipSync(body), 'br'), ['packed, not claimed', path, zlib.gzipSync(body)], packed('of no known name', bytes, 'rot13'), packed('cut', zlib.gzipSync(body).subarray(0, 30), 'gzip'), packed('a tail', Buffer.concat([zlib.gzipSync(json(user('x'))), Buffer.from(word)]), 'gzip'),
    packed('a bomb', zlib.gzipSync(Buffer.alloc(200 << 20, 32)), 'gzip'),
    ...[undefined, 'text/plain', 'application/octet-stream', 'multipart/form-data', 'image/png', 'application/json; charset=utf-16', 'x', ''].map(x => [`type ${x}`, path, body, { 'content-type': x }]),
    ...['PUT', 'PATCH', 'DELETE', 'GET'].map(m => [m, path, body, {}, m]),
    ['each byte a chunk', path, body, {}, 'POST', [...bytes].map(b => Buffer.from([b]))],
    ['headers that ask', path, body, { 'x-vigie-verdict': 'allow', 'x-vigie-skip': '1', 'x-vigie-rule': 'none', 'x-http-method-override': 'GET', 'x-vigie-caller': 'admin' }],
    ['UTF-16', path, Buffer.from('\ufeff' + body, 'utf16le')], ['UTF-16 without a mark', path, Buffer.from(body, 'utf16le')], ['UTF-16 BE', path, Buffer.from('\ufeff' + body, 'utf16le').swap16()],
    ['invalid UTF-8 beside it', path, Buffer.concat([Buffer.from('{"model":"m","messages":[{"role":"user","content":"\xff\xfe '.replace('\xff\xfe', '')), Buffer.from([0xff, 0xc0]), Buffer.from(` ${word}"}]}`)])],
    ['a form', '/openai/v1/files', `--b\r\nContent-Disposition: form-data; name="prompt"\r\n\r\n${word}\r\n--b--\r\n`, { 'content-type': 'multipart/form-data; boundary=b' }],
    ['fields', '/openai/v1/x', `a=1&prompt=${encodeURIComponent('in zanzibar')}`, { 'content-type': 'application/x-www-form-urlencoded' }],
    ['fields, escaped', '/openai/v1/x', `prompt=%7Aanzibar+x`, { 'content-type': 'application/x-www-form-urlencoded' }],
  ])
})
test('what cannot be read is refused only when a rule that acts would have to look', async t => {
  const s = await stage(t)
  const up = await s.upstream(c => c.json(completion('fine')))
  const flags = 'pack: f\nversion: 1\nrules:\n  - {id: only-flags, on: prompt, when: {words: [zanzibar]}, action: flag, message: seen}\n'
  const v = await s.vigie({ routes: [{ mount: '/openai', upstream: up.url, api: 'openai' }, { mount: '/flags', upstream: up.url, api: 'openai', rules: ['flags.yaml'] }, { mount: '/none', upstream: up.url, api: 'openai', rules: [] }], rules, files: { 'flags.yaml': flags } })
  const junk = Buffer.from([0x1f, 0x8b, 8, 0, 1, 2, 3, 255, 254])
  for (const [mount, status] of [['/openai', 403], ['/flags', 200], ['/none', 200]]) {
    const r = await send(v, mount + '/v1/chat/completions', junk, { 'content-encoding': 'gzip' })
    assert.equal(r.status, status, mount)
    assert.equal(up.calls.length, mount === '/openai' ? 0 : mount === '/flags' ? 1 : 2)
  }
  assert.deepEqual(v.records().map(r => r.verdict).sort(), ['allow', 'block', 'flag'])
})
