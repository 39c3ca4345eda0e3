// SPDX-License-Identifier: Apache-2.0
// The stage of an end-to-end test: an upstream that does what the test says, the built vigie between, clients before it. Silent when
// all is well; a failing test prints vigie's log. Gates instead of sleeps, free ports, a folder of its own for each vigie.
//
//   const s = await stage(t)
//   const up = await s.upstream(async call => { await call.json({ … }) })
//   const v = await s.vigie({ routes: [{ mount: '/openai', upstream: up.url, api: 'openai' }], rules: `…yaml…` })
//   const r = await v.fetch('/openai/v1/chat/completions', chat('hello'))
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import http from 'node:http'
import http2 from 'node:http2'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { log_name } from './report.mjs'

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')
export const binary = process.env.VIGIE ?? path.join(root, 'build/vigie')
const patience = Number(process.env.PATIENCE ?? 20000)   // how long a condition may take: generous, since nothing is timed by it

export async function until(what, condition) {
  const end = Date.now() + patience
  for (;;) {
    const got = await condition()
    if (got) return got
    if (Date.now() > end) throw new Error(`waited in vain until ${what}`)
    await new Promise(k => setTimeout(k, 15))
  }
}
export class Gate {
  constructor() { this.opened = new Promise(k => { this.open = k }) }
}
export const chat = (text, more = {}) => ({ method: 'POST', headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: text }], ...more }) })

// A call over an HTTP/2 session, told as the plain clients of these tests tell it. cut: the stream was reset, or had no end.
export const h2_call = (session, headers, body, seen) => new Promise(done => {
  const stream = session.request(headers, { endStream: body === undefined }), chunks = [], r = { interim: [], cut: false }
  stream.on('headers', h => r.interim.push(h)).on('response', h => { r.headers = h; r.status = h[':status'] }).on('trailers', h => { r.trailers = h })
  stream.on('data', d => { chunks.push(d); seen?.(Buffer.concat(chunks).toString()) }).on('end', () => { r.ended = true }).on('error', e => { r.error = e })
  stream.on('close', () => { r.bytes = Buffer.concat(chunks); r.text = r.bytes.toString(); r.code = stream.rstCode; r.cut = !r.ended || stream.rstCode !== 0; done(r) })
  if (body !== undefined) stream.end(body)
})
// fetch over HTTP/2 with prior knowledge, as far as these tests need it.
function h2_fetch(session, where, { method = 'GET', headers = {}, body, signal } = {}) {
  return new Promise((done, failed) => {
    const stream = session.request({ ':path': where, ':method': method, accept: '*/*', 'user-agent': 'node', ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }), ...headers }, { endStream: body === undefined })
    stream.on('error', failed)
    signal?.addEventListener('abort', () => stream.destroy())
    stream.on('response', h => {
      const plain = Object.fromEntries(Object.entries(h).filter(([k]) => !k.startsWith(':')))
      done(new Response([204, 304].includes(h[':status']) ? null : Readable.toWeb(stream), { status: h[':status'], headers: plain }))
    })
    if (body !== undefined) stream.end(body)
  })
}

// What a call looks like to the upstream's script.
class Call {
  constructor(req, res, body) { Object.assign(this, { req, res, body, method: req.method, url: req.url, headers: req.headers, rawHeaders: req.rawHeaders }) }
  get json_body() { return JSON.parse(this.body) }
  json(value, status = 200, headers = {}) {
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    this.res.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text), ...headers })
    this.res.end(text)
  }
  begin(type = 'text/event-stream', headers = {}) { this.res.writeHead(200, { 'content-type': type, ...headers }); this.res.flushHeaders() }
  write(bytes) { return new Promise(k => this.res.write(bytes, k)) }
  end() { this.res.end() }
  destroy() { this.res.destroy() }
  // An OpenAI chat stream: strings are deltas, Gates are waited for.
  async openai(...pieces) {
    this.begin()
    for (const p of pieces)
      if (p instanceof Gate) await p.opened
      else await this.write('data: ' + JSON.stringify({ id: 'c', object: 'chat.completion.chunk', model: 'm', choices: [{ index: 0, delta: { content: p }, finish_reason: null }] }) + '\n\n')
    await this.write('data: ' + JSON.stringify({ id: 'c', object: 'chat.completion.chunk', model: 'm', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }) + '\n\ndata: [DONE]\n\n')
    this.end()
  }
}
export const completion = text => ({ id: 'c', object: 'chat.completion', created: 1, model: 'm', choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }], usage: { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 } })

export async function stage(t) {
  const ends = [], logs = []
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'vigie-e2e-'))
  t.after(async () => {
    for (const end of ends.reverse()) await end()
    fs.rmSync(folder, { recursive: true, force: true })
  })
  const s = { folder }
  s.later = end => ends.unshift(end)   // after all else has ended, before the folder goes

  // An HTTP upstream. script(call) runs for each request once its body is in (early: before).
  s.upstream = async (script, { early = false } = {}) => {
    const up = { calls: [], gone: 0 }
    const server = http.createServer({ keepAliveTimeout: 60000 }, (req, res) => {
      const chunks = []
      res.on('close', () => { if (!res.writableEnded) up.gone++ })
      const run = () => {
        const call = new Call(req, res, Buffer.concat(chunks).toString())
        up.calls.push(call)
        Promise.resolve(script(call)).catch(e => { up.error = e; res.destroy() })
      }
      req.on('data', c => chunks.push(c))
      early ? run() : req.on('end', run)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    up.port = server.address().port
    up.url = `http://127.0.0.1:${up.port}`
    up.close = () => new Promise(k => { server.closeAllConnections(); server.close(k) })
    ends.push(() => server.listening ? up.close() : undefined)
    return up
  }
  // A TCP upstream: script(socket, first bytes until a blank line).
  s.raw_upstream = async script => {
    const up = { connections: 0, seen: '' }, sockets = new Set()
    const server = net.createServer(socket => {
      up.connections++
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
      socket.on('error', () => {})
      let head = ''
      socket.on('data', d => {
        up.seen += d.toString('latin1')
        head += d.toString('latin1')
        if (head.includes('\r\n\r\n')) { const h = head; head = ''; script(socket, h) }
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    up.port = server.address().port
    up.url = `http://127.0.0.1:${up.port}`
    up.close = () => new Promise(k => { for (const x of sockets) x.destroy(); server.close(k) })
    ends.push(() => server.listening ? up.close() : undefined)
    return up
  }

  s.vigie = async ({ routes, rules, files = {}, config = '', admin = '{listen: 127.0.0.1:0}', listen = '127.0.0.1:0', env = {}, dir = fs.mkdtempSync(path.join(folder, 'v-')), args = [], wait = true }) => {
    for (const [name, content] of Object.entries(files)) {
      fs.mkdirSync(path.dirname(path.join(dir, name)), { recursive: true })
      fs.writeFileSync(path.join(dir, name), content)
    }
    if (rules) fs.writeFileSync(path.join(dir, 'rules.yaml'), rules)
    const v = { dir, log: '' }
    v.configure = (more = {}) => {
      const r = more.routes ?? routes
      fs.writeFileSync(path.join(dir, 'vigie.yaml'), more.text ?? (
        `listen: ${JSON.stringify(more.listen ?? listen)}\nadmin: ${admin}\ndata: data\nworkers: ${process.env.WORKERS ?? 2}\n` +
        `rules: [${rules ? 'rules.yaml' : ''}]\n${more.config ?? config}\nroutes:\n` + r.map(x => `  - ${JSON.stringify(x)}\n`).join('')))
    }
    v.configure()
    v.start = async () => {
      v.ended = undefined
      v.process = spawn(binary, ['serve', '-c', 'vigie.yaml', ...args], { cwd: dir, stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...env } })
      v.exit = once(v.process, 'exit').then(([code, signal]) => { v.ended = { code, signal }; return v.ended })
      const from = v.log.length
      v.process.stderr.on('data', d => { v.log += d })
      if (!wait) return
      await until('vigie listens', () => {
        if (v.ended) throw new Error(`vigie ended: ${JSON.stringify(v.ended)}\n${v.log}`)
        const log = v.log.slice(from), ports = [...log.matchAll(/ listening host=\S+ port=(\d+)/g)].map(m => Number(m[1]))
        v.admin_port = Number(log.match(/admin_listening host=\S+ port=(\d+)/)?.[1])
        v.ports = ports
        return ports.length && v.admin_port !== undefined
      })
      v.port = v.ports[0]
      v.url = `http://127.0.0.1:${v.port}`
      v.admin = `http://127.0.0.1:${v.admin_port}`
    }
    v.stop = async (signal = 'SIGTERM') => {
      if (v.process.exitCode === null && v.process.signalCode === null) v.process.kill(signal)
      return v.exit
    }
    v.reload = async () => {
      const from = v.log.length
      v.process.kill('SIGHUP')
      return until('vigie reloads', () => v.log.slice(from).match(/ (reloaded|reload_failed) [^\n]*/)?.[1])
    }
    // A session of its own over HTTP/2.
    v.h2 = async (options, url = v.url) => {
      const session = http2.connect(url, options)
      session.on('error', e => { session.failed = e })
      ends.push(() => session.destroy())
      await Promise.race([once(session, 'connect'), once(session, 'close')])
      return session
    }
    // CLIENT=h2: the same tests by the other protocol.
    v.fetch = async (where, options) => {
      if (process.env.CLIENT !== 'h2') return fetch(v.url + where, options)
      if (!v.session || v.session.closed || v.session.destroyed) v.session = await v.h2()
      return h2_fetch(v.session, where, options)
    }
    v.run = (...words) => {
      const r = spawnSync(binary, words, { cwd: dir, encoding: 'utf8', maxBuffer: 1 << 28, env: { ...process.env, ...env } })
      return { code: r.status, out: r.stdout, err: r.stderr }
    }
    v.records = (...filters) => {
      const r = v.run('records', '-c', 'vigie.yaml', '--json', ...filters)
      if (r.code !== 0) throw new Error(`records: ${r.err}`)
      return r.out.split('\n').filter(Boolean).map(l => JSON.parse(l))
    }
    // A connection of its own: send bytes, read all until it closes or the condition holds.
    v.socket = async () => {
      const socket = net.connect(v.port, '127.0.0.1')
      const c = { socket, got: '', closed: false, reset: false }
      socket.on('data', d => { c.got += d.toString('latin1') })
      socket.on('close', () => { c.closed = true })
      socket.on('error', e => { c.reset = e.code === 'ECONNRESET' })
      await once(socket, 'connect')
      c.send = bytes => new Promise(k => socket.write(bytes, 'latin1', k))
      c.until = (what, test) => until(what, () => test(c))
      c.close = () => socket.destroy()
      ends.push(() => socket.destroy())
      return c
    }
    v.metric = async (name, labels = {}) => {
      const text = await (await fetch(v.admin + '/metrics')).text()
      let sum = 0
      for (const line of text.split('\n')) {
        if (!line.startsWith(name + '{') && !line.startsWith(name + ' ')) continue
        if (Object.entries(labels).every(([k, w]) => line.includes(`${k}="${w}"`))) sum += Number(line.split(' ').at(-1))
      }
      return sum
    }
    logs.push(v)
    ends.push(async () => {
      const end = await v.stop()
      // ASan and UBSan end with a word on stderr: no test passes over one.
      if (/AddressSanitizer|runtime error|ThreadSanitizer|LeakSanitizer|cannot go on/.test(v.log)) throw new Error(`vigie: ${v.log.slice(-6000)}`)
      if (end.signal && !['SIGKILL', 'SIGTERM'].includes(end.signal)) throw new Error(`vigie ended by ${end.signal}\n${v.log.slice(-4000)}`)
    })
    await v.start()
    return v
  }
  t.after(() => {
    const log = logs.map(v => v.log).join('-- the next vigie\n')
    if (process.env.SHOW_LOGS) process.stderr.write(log)
    // The reporter prints it when the test fails.
    if (process.env.VIGIE_TEST_LOGS && log) fs.writeFileSync(path.join(process.env.VIGIE_TEST_LOGS, log_name(process.argv[1] ?? '', t.name)), log)
  })
  return s
}
