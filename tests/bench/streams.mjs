// SPDX-License-Identifier: Apache-2.0
// Paced streams for the bench: `streams.mjs upstream PORT` serves an SSE event each 20 ms; `streams.mjs client URL N SECONDS` opens N of them and
// prints how many events came whole, and how many streams went wrong.
import http from 'node:http'

const [what, a, b, c] = process.argv.slice(2)
const event = 'data: ' + JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta: { content: 'some words of an answer that goes on for a while, ' }, finish_reason: null }] }) + '\n\n'
if (what === 'upstream') {
  const open = new Set()
  setInterval(() => { for (const r of open) r.write(event) }, 20)
  http.createServer((q, r) => { q.resume(); q.on('end', () => { r.writeHead(200, { 'content-type': 'text/event-stream' }); r.write(event); open.add(r); r.on('close', () => open.delete(r)) }) }).listen(Number(a), '127.0.0.1')
} else {
  const body = JSON.stringify({ model: 'm', stream: true, messages: [{ role: 'user', content: 'Please tell me how the savings account works.' }] })
  const agent = new http.Agent({ keepAlive: false, maxSockets: Infinity })
  let events = 0, wrong = 0, over = false
  for (let i = 0; i < Number(b); i++) {
    const q = http.request(a, { method: 'POST', agent, headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) } }, r => {
      if (r.statusCode !== 200) wrong++
      r.on('data', d => { let at = -1; while ((at = d.indexOf('\n\n', at + 1)) >= 0) events++ })
      r.on('close', () => { if (!over) wrong++ })
    })
    q.on('error', () => { if (!over) wrong++ })
    q.end(body)
  }
  setTimeout(() => { over = true; console.log(`${events} ${wrong}`); process.exit(0) }, Number(c) * 1000)
}
