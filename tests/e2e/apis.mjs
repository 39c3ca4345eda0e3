// SPDX-License-Identifier: Apache-2.0
// A fake of each API, of our own writing: the bodies and streams that the real ones are shaped like, and how to read them back.
// A stream is head events, deltas, tail events; `tail(text)` gets the whole text, since some APIs say it again at the end.
//   request(text, streams)  → {path, body}: what a plain client sends          streams(call)   does this call ask for a stream?
//   whole(text)             → the body                                         delta(text)     → one event, by channel
//   said(json)              → [[channel, text], …]: what a reader of one event gets to see
import { Gate } from './stage.mjs'

const sse = (data, event) => `${event ? `event: ${event}\n` : ''}data: ${JSON.stringify(data)}\n\n`
const line = data => JSON.stringify(data) + '\n'
const named = (type, more) => sse({ type, ...more }, type)
const strings = (channel, x) => typeof x === 'string' ? [[channel, x]] : []

// OpenAI's chat, and all that speak like it.
const chunk = (delta, more = {}) => sse({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1700000000, model: 'm-1', choices: [{ index: 0, delta, finish_reason: null, ...more }] })
const chat = {
  type: 'text/event-stream',
  request: (text, stream) => ({ path: '/v1/chat/completions', body: { model: 'm-1', messages: [{ role: 'user', content: text }], ...(stream ? { stream } : {}) } }),
  streams: c => c.json_body.stream === true,
  whole: text => JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion', created: 1700000000, model: 'm-1', choices: [{ index: 0, message: { role: 'assistant', content: text, refusal: null }, logprobs: null, finish_reason: 'stop' }], usage: { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 }, system_fingerprint: null }),
  head: [chunk({ role: 'assistant', content: '' })],
  delta: text => chunk({ content: text }),
  channels: {
    'the second choice': text => chunk({ content: text }, { index: 1 }),
    reasoning: text => chunk({ reasoning_content: text }),
    'a refusal': text => chunk({ refusal: text }),
    'a tool call': text => chunk({ tool_calls: [{ index: 0, function: { arguments: text } }] }),
  },
  between: [': ping\n\n', chunk({ content: '' }), chunk({}), chunk({ content: 'elsewhere ' }, { index: 7 }), sse({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1700000000, model: 'm-1', choices: [], usage: { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 } })],
  tail: () => [chunk({}, { finish_reason: 'stop' }), 'data: [DONE]\n\n'],
  said: j => (j.choices ?? []).flatMap(c => [c.delta ?? {}, c.message ?? {}].flatMap(d => [...strings(`content ${c.index}`, d.content), ...strings(`reasoning ${c.index}`, d.reasoning_content), ...strings(`refusal ${c.index}`, d.refusal),
    ...(d.tool_calls ?? []).flatMap(x => strings(`tool ${c.index} ${x.index}`, x.function?.arguments))]))
    .concat((j.choices ?? []).flatMap(c => strings(`text ${c.index}`, c.text))),
}
const part = { item_id: 'msg_1', output_index: 0, content_index: 0 }
const item = (text, status) => ({ id: 'msg_1', type: 'message', status, role: 'assistant', content: text === undefined ? [] : [{ type: 'output_text', text, annotations: [], logprobs: [] }] })
const response = (status, output) => ({ id: 'resp_1', object: 'response', created_at: 1700000000, status, model: 'm-1', output, error: null, incomplete_details: null, instructions: null, metadata: {}, parallel_tool_calls: true, temperature: 1, tool_choice: 'auto', tools: [], top_p: 1, usage: status === 'completed' ? { input_tokens: 3, output_tokens: 5, total_tokens: 8, input_tokens_details: { cached_tokens: 0 }, output_tokens_details: { reasoning_tokens: 0 } } : null })
const message = { id: 'msg_1', type: 'message', role: 'assistant', model: 'm-1' }
const candidate = (parts, more = {}) => ({ candidates: [{ content: { role: 'model', parts }, index: 0, ...more }], modelVersion: 'm-1', responseId: 'r-1' })
const gemini = {
  streams: c => c.url.includes(':streamGenerateContent'),
  whole: text => JSON.stringify({ ...candidate([{ text }], { finishReason: 'STOP' }), usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 5, totalTokenCount: 8 } }, null, 2),
  said: j => (Array.isArray(j) ? j : [j]).flatMap(x => (x.candidates ?? []).flatMap(c => (c.content?.parts ?? []).flatMap(p => [...strings(`${p.thought ? 'thought' : 'text'} ${c.index ?? 0}`, p.text), ...(p.functionCall ? strings('call', JSON.stringify(p.functionCall.args)) : [])]))),
}
const ollama_line = (message, more = {}) => line({ model: 'm-1', created_at: '2026-01-01T00:00:00Z', message: { role: 'assistant', content: '', ...message }, done: false, ...more })
const token = (text, more = {}) => `data:${JSON.stringify({ index: 1, token: { id: 7, text, logprob: -0.5, special: false, ...more }, generated_text: null, details: null })}\n\n`
const ollama_end = { done: true, done_reason: 'stop', total_duration: 1, load_duration: 1, prompt_eval_count: 3, prompt_eval_duration: 1, eval_count: 5, eval_duration: 1 }

export const apis = {
  chat: { ...chat, api: 'openai', mount: '/openai' },
  groq: { ...chat, api: 'openai', mount: '/groq', request: (text, stream) => ({ ...chat.request(text, stream), path: '/openai/v1/chat/completions' }) },
  azure: { ...chat, api: 'openai', mount: '/azure', request: (text, stream) => ({ ...chat.request(text, stream), path: '/openai/deployments/d/chat/completions?api-version=2024-10-21' }) },
  mistral: { ...chat, api: 'mistral', mount: '/mistral', channels: {} },
  completions: {
    ...chat, api: 'openai', mount: '/openai', head: [], channels: {}, between: [': ping\n\n'],
    request: (text, stream) => ({ path: '/v1/completions', body: { model: 'm-1', prompt: text, ...(stream ? { stream } : {}) } }),
    whole: text => JSON.stringify({ id: 'cmpl-1', object: 'text_completion', created: 1700000000, model: 'm-1', choices: [{ text, index: 0, logprobs: null, finish_reason: 'stop' }], usage: { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 } }),
    delta: text => sse({ id: 'cmpl-1', object: 'text_completion', created: 1700000000, model: 'm-1', choices: [{ text, index: 0, logprobs: null, finish_reason: null }] }),
    tail: () => [sse({ id: 'cmpl-1', object: 'text_completion', created: 1700000000, model: 'm-1', choices: [{ text: '', index: 0, logprobs: null, finish_reason: 'stop' }] }), 'data: [DONE]\n\n'],
  },
  responses: {
    api: 'openai', mount: '/openai', type: 'text/event-stream',
    request: (text, stream) => ({ path: '/v1/responses', body: { model: 'm-1', input: text, ...(stream ? { stream } : {}) } }),
    streams: c => c.json_body.stream === true,
    whole: text => JSON.stringify(response('completed', [item(text, 'completed')])),
    head: [named('response.created', { sequence_number: 0, response: response('in_progress', []) }), named('response.output_item.added', { sequence_number: 1, output_index: 0, item: item(undefined, 'in_progress') }),
      named('response.content_part.added', { ...part, sequence_number: 2, part: { type: 'output_text', text: '', annotations: [], logprobs: [] } })],
    delta: text => named('response.output_text.delta', { ...part, sequence_number: 3, delta: text, logprobs: [] }),
    channels: {
      'a function call': text => named('response.function_call_arguments.delta', { item_id: 'fc_1', output_index: 1, sequence_number: 3, delta: text }),
      'a reasoning summary': text => named('response.reasoning_summary_text.delta', { item_id: 'rs_1', output_index: 1, summary_index: 0, sequence_number: 3, delta: text }),
      reasoning: text => named('response.reasoning_text.delta', { item_id: 'rs_1', output_index: 1, content_index: 0, sequence_number: 3, delta: text }),
      'a refusal': text => named('response.refusal.delta', { ...part, content_index: 1, sequence_number: 3, delta: text }),
    },
    between: [': ping\n\n', named('response.in_progress', { sequence_number: 3, response: response('in_progress', []) }), named('response.output_text.delta', { ...part, output_index: 4, item_id: 'msg_4', sequence_number: 3, delta: 'elsewhere ', logprobs: [] })],
    tail: text => [named('response.output_text.done', { ...part, sequence_number: 90, text, logprobs: [] }), named('response.content_part.done', { ...part, sequence_number: 91, part: item(text).content[0] }),
      named('response.output_item.done', { sequence_number: 92, output_index: 0, item: item(text, 'completed') }), named('response.completed', { sequence_number: 93, response: response('completed', [item(text, 'completed')]) })],
    said: j => [...(j.type?.endsWith('.delta') ? strings(`${j.type} ${j.output_index} ${j.content_index}`, j.delta) : []), ...(j.type?.endsWith('.done') ? strings(j.type, j.text ?? j.part?.text ?? j.item?.content?.[0]?.text) : []),
      ...strings(j.type ?? 'whole', (j.response ?? j).output?.[0]?.content?.[0]?.text)],
  },
  anthropic: {
    api: 'anthropic', mount: '/anthropic', type: 'text/event-stream; charset=utf-8',
    request: (text, stream) => ({ path: '/v1/messages', body: { model: 'm-1', max_tokens: 99, messages: [{ role: 'user', content: text }], ...(stream ? { stream } : {}) } }),
    streams: c => c.json_body.stream === true,
    whole: text => JSON.stringify({ ...message, content: [{ type: 'text', text }], stop_reason: 'end_turn', stop_sequence: null, usage: { input_tokens: 3, output_tokens: 5 } }),
    head: [named('message_start', { message: { ...message, content: [], stop_reason: null, stop_sequence: null, usage: { input_tokens: 3, output_tokens: 1 } } }), named('content_block_start', { index: 0, content_block: { type: 'text', text: '' } })],
    delta: text => named('content_block_delta', { index: 0, delta: { type: 'text_delta', text } }),
    channels: {
      thinking: text => named('content_block_delta', { index: 1, delta: { type: 'thinking_delta', thinking: text } }),
      'a tool call': text => named('content_block_delta', { index: 2, delta: { type: 'input_json_delta', partial_json: text } }),
    },
    between: [named('ping', {}), ': ping\n\n', named('content_block_delta', { index: 5, delta: { type: 'text_delta', text: 'elsewhere ' } })],
    tail: () => [named('content_block_stop', { index: 0 }), named('message_delta', { delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 5 } }), named('message_stop', {})],
    said: j => [...strings(`text ${j.index}`, j.delta?.text), ...strings(`thinking ${j.index}`, j.delta?.thinking), ...strings(`input ${j.index}`, j.delta?.partial_json), ...(j.content ?? []).flatMap(b => strings('whole', b.text))],
  },
  gemini: {
    ...gemini, api: 'gemini', mount: '/gemini', type: 'text/event-stream',
    request: (text, stream) => ({ path: `/v1beta/models/m-1:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`, body: { contents: [{ role: 'user', parts: [{ text }] }] } }),
    head: [], delta: text => sse(candidate([{ text }])),
    channels: { thought: text => sse(candidate([{ text, thought: true }])), 'the second candidate': text => sse({ ...candidate([]), candidates: [{ index: 1, content: { role: 'model', parts: [{ text }] } }] }) },
    between: [': ping\n\n', sse({ usageMetadata: { promptTokenCount: 3 } }), sse({ candidates: [{ index: 3, content: { role: 'model', parts: [{ text: 'elsewhere ' }] } }] })],
    tail: () => [sse({ ...candidate([{ text: '' }], { finishReason: 'STOP' }), usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 5, totalTokenCount: 8 } })],
  },
  gemini_array: {   // without alt=sse the stream is one JSON array that grows
    ...gemini, api: 'gemini', mount: '/gemini', type: 'application/json', framing: 'array',
    request: (text, stream) => ({ path: `/v1beta/models/m-1:${stream ? 'streamGenerateContent' : 'generateContent'}`, body: { contents: [{ role: 'user', parts: [{ text }] }] } }),
    head: ['[' + JSON.stringify(candidate([{ text: 'Well. ' }]), null, 2)], delta: text => ',\r\n' + JSON.stringify(candidate([{ text }]), null, 2), channels: {}, between: ['\n', ',\n{}'],
    tail: () => [',\n' + JSON.stringify(candidate([{ text: '' }], { finishReason: 'STOP' })), ']'],
  },
  ollama: {
    api: 'ollama', mount: '/ollama', type: 'application/x-ndjson', framing: 'ndjson',
    request: (text, stream) => ({ path: '/api/chat', body: { model: 'm-1', stream, messages: [{ role: 'user', content: text }] } }),
    streams: c => c.json_body.stream !== false,
    whole: text => JSON.stringify({ model: 'm-1', created_at: '2026-01-01T00:00:00Z', message: { role: 'assistant', content: text }, ...ollama_end }),
    head: [], delta: text => ollama_line({ content: text }),
    channels: { thinking: text => ollama_line({ thinking: text }) },
    between: [ollama_line({})], tail: () => [ollama_line({}, ollama_end)],
    said: j => [...strings('content', j.message?.content), ...strings('thinking', j.message?.thinking)],
  },
  ollama_generate: {
    api: 'ollama', mount: '/ollama', type: 'application/x-ndjson', framing: 'ndjson',
    request: (text, stream) => ({ path: '/api/generate', body: { model: 'm-1', stream, prompt: text } }),
    streams: c => c.json_body.stream !== false,
    whole: text => JSON.stringify({ model: 'm-1', created_at: '2026-01-01T00:00:00Z', response: text, ...ollama_end }),
    head: [], delta: text => line({ model: 'm-1', created_at: '2026-01-01T00:00:00Z', response: text, done: false }), channels: {},
    between: [line({ model: 'm-1', created_at: '2026-01-01T00:00:00Z', response: '', done: false })], tail: () => [line({ model: 'm-1', created_at: '2026-01-01T00:00:00Z', response: '', ...ollama_end })],
    said: j => strings('response', j.response),
  },
  cohere: {
    api: 'cohere', mount: '/cohere', type: 'text/event-stream',
    request: (text, stream) => ({ path: '/v2/chat', body: { model: 'm-1', messages: [{ role: 'user', content: text }], stream: Boolean(stream) } }),
    streams: c => c.json_body.stream === true,
    whole: text => JSON.stringify({ id: 'c-1', message: { role: 'assistant', content: [{ type: 'text', text }] }, finish_reason: 'COMPLETE', usage: { billed_units: { input_tokens: 3, output_tokens: 5 }, tokens: { input_tokens: 3, output_tokens: 5 } } }),
    head: [named('message-start', { id: 'c-1', delta: { message: { role: 'assistant', content: [], tool_plan: '', tool_calls: [], citations: [] } } }), named('content-start', { index: 0, delta: { message: { content: { type: 'text', text: '' } } } })],
    delta: text => named('content-delta', { index: 0, delta: { message: { content: { text } } } }),
    channels: { 'a tool plan': text => named('tool-plan-delta', { delta: { message: { tool_plan: text } } }) },
    between: [': ping\n\n', named('content-delta', { index: 4, delta: { message: { content: { text: 'elsewhere ' } } } })],
    tail: () => [named('content-end', { index: 0 }), named('message-end', { id: 'c-1', delta: { finish_reason: 'COMPLETE', usage: { tokens: { input_tokens: 3, output_tokens: 5 } } } })],
    said: j => [...strings(`text ${j.index}`, j.delta?.message?.content?.text), ...strings('plan', j.delta?.message?.tool_plan), ...(Array.isArray(j.message?.content) ? j.message.content.flatMap(b => strings('whole', b.text)) : [])],
  },
  tgi: {   // Hugging Face's own words: a token an event, and the text once more with the last one
    api: 'tgi', mount: '/tgi', type: 'text/event-stream',
    request: (text, stream) => ({ path: stream ? '/generate_stream' : '/generate', body: { inputs: text, parameters: { max_new_tokens: 20 } } }),
    streams: c => c.url.endsWith('/generate_stream'),
    whole: text => JSON.stringify({ generated_text: text, details: { finish_reason: 'length', generated_tokens: 5, seed: null, prefill: [], tokens: [] } }),
    head: [], delta: text => token(text), channels: { 'a special token': text => token(text, { special: true }) },
    between: [':\n\n', token('elsewhere ', { special: true })],
    tail: text => [sse({ index: 9, token: { id: 2, text: '</s>', logprob: -0.1, special: true }, generated_text: text, details: { finish_reason: 'eos_token', generated_tokens: 5, input_length: 3, seed: null } })],
    said: j => [...strings(j.token?.special ? 'special' : 'token', j.token?.text), ...strings('whole', j.generated_text)],
  },
}
for (const [name, api] of Object.entries(apis)) { api.name = name; api.framing ??= 'sse' }

// The events of a stream: strings are deltas, Gates stand where they are.
export const events = (api, pieces) => [...api.head, ...pieces.map(p => p instanceof Gate ? p : api.delta(p)), ...api.tail(pieces.filter(p => typeof p === 'string').join(''))]
// Answers a call with this text, as it was asked for: whole or as a stream.
export async function answer(api, call, pieces) {
  if (!api.streams(call)) return call.json(api.whole(pieces.filter(p => typeof p === 'string').join('')))
  call.begin(api.type)
  for (const e of events(api, pieces)) e instanceof Gate ? await e.opened : await call.write(e)
  call.end()
}
// The JSON values in the bytes of a stream or of a whole body; what does not parse (a cut) is left out.
export function values(api, text) {
  const parse = x => { try { return [JSON.parse(x)] } catch { return [] } }
  if (api.framing === 'sse' && /^(event|data|id|retry)?:/m.test(text))
    return text.split(/\r?\n\r?\n/).flatMap(e => parse(e.split(/\r?\n/).filter(l => l.startsWith('data:')).map(l => l.slice(5)).join('\n')))
  if (api.framing === 'ndjson') return text.split('\n').flatMap(parse)
  return parse(text).concat(parse(text + ']')).slice(0, 1)
}
// What a reader of these bytes has been told, by channel.
export function told(api, text) {
  const out = {}
  for (const j of values(api, text)) for (const [channel, x] of api.said(j)) out[channel] = (out[channel] ?? '') + x
  return out
}
