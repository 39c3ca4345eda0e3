// SPDX-License-Identifier: Apache-2.0
// Promise 2: no answer without its record. kill -9 at any moment loses no exchange that a client saw whole.
import assert from 'node:assert/strict'
import http from 'node:http'
import { test } from 'node:test'
import { chat, completion, stage } from './stage.mjs'

const KILLS = Number(process.env.KILLS ?? 20)

test(`kill -9 ${KILLS} times under load: no exchange seen whole is missing, once each, and the chain verifies`, async t => {
  const s = await stage(t)
  const up = await s.upstream(async c => {
    if (c.json_body.stream) return c.openai('a', 'b', 'c')
    c.json(completion('fine'))
  })
  const v = await s.vigie({ routes: [{ mount: '/openai', upstream: up.url, api: 'openai' }] })
  const seen = []
  const one = (stream, agent) => new Promise(done => {
    const r = http.request(`${v.url}/openai/v1/chat/completions`, { ...chat('x', { stream }), agent }, res => {
      let text = ''
      res.on('data', d => { text += d; if (stream && text.includes('[DONE]')) seen.push(res.headers['x-vigie-exchange']) })
      res.on('end', () => { if (!stream && res.complete) seen.push(res.headers['x-vigie-exchange']); done() })
      res.on('error', done)
    })
    r.on('error', done)
    r.end(chat('x', { stream }).body)
  })
  for (let kill = 0; kill < KILLS; kill++) {
    let over = false
    const agent = new http.Agent({ keepAlive: true })
    const clients = Array.from({ length: 8 }, async (_, i) => { while (!over) await one(i % 2 === 0, agent) })
    await new Promise(k => setTimeout(k, 40 + Math.floor(Math.random() * 160)))
    v.process.kill('SIGKILL')
    await v.exit
    over = true
    await Promise.all(clients)
    agent.destroy()
    await v.start()
  }
  assert.ok(seen.length > KILLS, `${seen.length} exchanges were seen whole`)
  const times = new Map()
  for (const r of v.records('--limit', '0')) times.set(r.id, (times.get(r.id) ?? 0) + 1)
  assert.deepEqual(seen.filter(id => times.get(id) !== 1), [])
  await v.stop()
  const verify = v.run('verify', '-c', 'vigie.yaml')
  assert.equal(verify.code, 0, verify.err + verify.out)
})
