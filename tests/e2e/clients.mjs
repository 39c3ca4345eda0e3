// SPDX-License-Identifier: Apache-2.0
// The real clients, unchanged, each with its own retry settings. `whole` returns what the client returned; `stream` calls seen(text) for each
// piece as it comes and returns all of them. `refused` and `cut`: the class of the exception at a block before and within an answer; `mute`: that
// client has no way to show a text at a cut; no `cut`: it raises nothing, but yields the API's own word of an error with the text in it.
import Anthropic from '@anthropic-ai/sdk'
import { GoogleGenAI } from '@google/genai'
import { ChatAnthropic } from '@langchain/anthropic'
import { ChatOpenAI } from '@langchain/openai'
import { Mistral } from '@mistralai/mistralai'
import { CohereClientV2 } from 'cohere-ai'
import Groq from 'groq-sdk'
import { Ollama } from 'ollama'
import OpenAI, { AzureOpenAI } from 'openai'
import { apis } from './apis.mjs'

const model = 'm-1'
const user = text => [{ role: 'user', content: text }]
const plain = x => JSON.parse(JSON.stringify(x))
async function all(stream, text, seen) {
  const events = []
  for await (const e of stream) {
    events.push(plain(e))
    const x = text(e)
    if (x) seen(x)
  }
  return events
}
const delta = e => e.choices?.[0]?.delta?.content
const openai = url => new OpenAI({ apiKey: 'k-1', baseURL: url + '/v1' })
const stainless = { refused: 'PermissionDeniedError', cut: 'APIError' }
const chat = {
  whole: async (c, text) => plain(await c.chat.completions.create({ model, messages: user(text) })),
  stream: async (c, text, seen) => all(await c.chat.completions.create({ model, messages: user(text), stream: true }), delta, seen),
}

export const clients = [
  { name: 'openai', api: apis.chat, make: openai, ...stainless, ...chat },
  {
    name: 'openai, chat helper', api: apis.chat, make: openai, ...stainless,
    stream: async (c, text, seen) => {
      const s = c.chat.completions.stream({ model, messages: user(text), stream_options: { include_usage: true } })
      const events = await all(s, delta, seen)
      return [events, plain(await s.finalChatCompletion())]
    },
  },
  {
    name: 'openai, responses', api: apis.responses, make: openai, ...stainless,
    whole: async (c, text) => plain(await c.responses.create({ model, input: text })),
    stream: async (c, text, seen) => all(await c.responses.create({ model, input: text, stream: true }), e => e.type === 'response.output_text.delta' && e.delta, seen),
  },
  {
    name: 'openai, responses helper', api: apis.responses, make: openai, ...stainless, cut: ['APIError', 'Object'],
    stream: async (c, text, seen) => {
      const s = c.responses.stream({ model, input: text })
      const events = await all(s, e => e.type === 'response.output_text.delta' && e.delta, seen)
      return [events, plain(await s.finalResponse())]
    },
  },
  {
    name: 'openai, completions', api: apis.completions, make: openai, ...stainless,
    whole: async (c, text) => plain(await c.completions.create({ model, prompt: text })),
    stream: async (c, text, seen) => all(await c.completions.create({ model, prompt: text, stream: true }), e => e.choices[0]?.text, seen),
  },
  {
    name: 'AzureOpenAI', api: apis.azure, ...stainless, ...chat,
    make: url => new AzureOpenAI({ apiKey: 'k-1', endpoint: url, apiVersion: '2024-10-21', deployment: 'd' }),
  },
  { name: 'groq', api: apis.groq, make: url => new Groq({ apiKey: 'k-1', baseURL: url }), ...stainless, ...chat },
  {
    name: 'anthropic', api: apis.anthropic, make: url => new Anthropic({ apiKey: 'k-1', baseURL: url }), ...stainless,
    whole: async (c, text) => plain(await c.messages.create({ model, max_tokens: 99, messages: user(text) })),
    stream: async (c, text, seen) => all(await c.messages.create({ model, max_tokens: 99, messages: user(text), stream: true }), e => e.delta?.text, seen),
  },
  {
    name: 'anthropic, helper', api: apis.anthropic, make: url => new Anthropic({ apiKey: 'k-1', baseURL: url }), ...stainless,
    stream: async (c, text, seen) => {
      const s = c.messages.stream({ model, max_tokens: 99, messages: user(text) }).on('text', seen)
      return plain(await s.finalMessage())
    },
  },
  {
    name: 'gemini', api: apis.gemini, make: url => new GoogleGenAI({ apiKey: 'k-1', httpOptions: { baseUrl: url } }), refused: 'ApiError', cut: 'ApiError',
    whole: async (c, text) => { const r = plain(await c.models.generateContent({ model, contents: text })); delete r.sdkHttpResponse; return r },
    stream: async (c, text, seen) => (await all(await c.models.generateContentStream({ model, contents: text }), e => e.text, seen)).map(e => { delete e.sdkHttpResponse; return e }),
  },
  {
    name: 'ollama', api: apis.ollama, make: url => new Ollama({ host: url }), refused: 'ResponseError', cut: 'Error',
    whole: async (c, text) => plain(await c.chat({ model, messages: user(text) })),
    stream: async (c, text, seen) => all(await c.chat({ model, messages: user(text), stream: true }), e => e.message?.content, seen),
  },
  {
    name: 'ollama, generate', api: apis.ollama_generate, make: url => new Ollama({ host: url }), refused: 'ResponseError', cut: 'Error',
    whole: async (c, text) => plain(await c.generate({ model, prompt: text })),
    stream: async (c, text, seen) => all(await c.generate({ model, prompt: text, stream: true }), e => e.response, seen),
  },
  {
    name: 'mistral', api: apis.mistral, make: url => new Mistral({ apiKey: 'k-1', serverURL: url }), refused: 'SDKError', cut: 'ZodError', mute: true,
    whole: async (c, text) => plain(await c.chat.complete({ model, messages: user(text) })),
    stream: async (c, text, seen) => all(await c.chat.stream({ model, messages: user(text) }), e => e.data.choices[0]?.delta?.content, seen),
  },
  {
    name: 'cohere', api: apis.cohere, make: url => new CohereClientV2({ token: 'k-1', environment: url }), refused: 'ForbiddenError', cut: undefined,
    whole: async (c, text) => plain(await c.chat({ model, messages: user(text) })),
    stream: async (c, text, seen) => all(await c.chatStream({ model, messages: user(text) }), e => e.delta?.message?.content?.text, seen),
  },
  {
    name: 'langchain, openai', api: apis.chat, make: url => new ChatOpenAI({ apiKey: 'k-1', model, configuration: { baseURL: url + '/v1' } }), ...stainless,
    whole: async (c, text) => plain(await c.invoke(text)),
    stream: async (c, text, seen) => all(await c.stream(text), e => e.content, seen),
  },
  {
    name: 'langchain, anthropic', api: apis.anthropic, make: url => new ChatAnthropic({ apiKey: 'k-1', model, anthropicApiUrl: url }), ...stainless,
    whole: async (c, text) => plain(await c.invoke(text)),
    stream: async (c, text, seen) => all(await c.stream(text), e => typeof e.content === 'string' ? e.content : e.content?.[0]?.text, seen),
  },
]
// Every class an exception is of, and its name.
export function classes(e) {
  const out = [e?.name]
  for (let p = Object.getPrototypeOf(e); p && p !== Object.prototype; p = Object.getPrototypeOf(p)) out.push(p.constructor.name)
  return out.length > 1 ? out : [...out, 'Object']
}
// All that an exception says.
export const words = e => [e?.message, e?.error?.message, e?.cause?.message].filter(Boolean).join(' | ')
