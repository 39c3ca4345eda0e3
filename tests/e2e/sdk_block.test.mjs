// SPDX-License-Identifier: Apache-2.0
// A block is an exception that each real client raises at once, with the rule's message: before the upstream hears of it for prompts, instead of
// the answer for whole answers, in the middle of streams. And what is redacted is all that differs, in each client's own words.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answer } from './apis.mjs'
import { classes, clients, words } from './clients.mjs'
import { Gate, stage } from './stage.mjs'

const marker = 'ЖQ"\\Ω€Q'
const says = { prompt: 'Règle nº 7: "not this"; ask the desk.', answer: 'Règle nº 8: the model said \\ too much.' }
const rules = `pack: p
version: 3
rules:
  - {id: no-question, tests: [{prompt: zanzibar, expect: block}, {prompt: kenya, expect: allow}], on: prompt, when: {words: [zanzibar]}, action: block, severity: high, message: '${says.prompt}'}
  - {id: no-marker, on: answer, when: {pattern: 'ЖQ"\\\\Ω€Q'}, action: block, severity: critical, message: '${says.answer}'}
`
const route = (c, up) => [{ mount: c.api.mount, upstream: up.url, api: c.api.api }]
const raised = (promise, seen) => promise.then(x => assert.fail(`nothing raised: ${JSON.stringify(x)} after ${seen?.text}`), e => e)

for (const c of clients) {
  test(`${c.name}: a blocked prompt`, async t => {
    const s = await stage(t)
    const up = await s.upstream(call => answer(c.api, call, ['fine']))
    const v = await s.vigie({ routes: route(c, up), rules })
    const modes = ['whole', 'stream'].filter(m => c[m])
    for (const mode of modes) {
      const e = await raised(c[mode](c.make(v.url + c.api.mount), 'Tell me about Zanzibar, please.', () => {}))
      assert.ok(classes(e).includes(c.refused), `${mode}: ${classes(e)}: ${words(e)}`)
      assert.ok(words(e).includes(says.prompt) || words(e).includes(JSON.stringify(says.prompt).slice(1, -1)), `${mode}: ${words(e)}`)
    }
    assert.equal(up.calls.length, 0, 'nothing went upstream')
    const records = v.records()
    assert.equal(records.length, modes.length, 'one attempt each')
    for (const r of records) assert.deepEqual([r.verdict, r.rule, r.status], ['block', 'no-question', 403])
    assert.ok(JSON.stringify(await c[modes[0]](c.make(v.url + c.api.mount), 'Tell me about Kenya.', () => {})).includes('fine'))
  })

  test(`${c.name}: a blocked answer, whole and as a stream`, async t => {
    const s = await stage(t)
    const gate = new Gate()
    let pieces = ['well ', marker, ' then']
    const up = await s.upstream(call => answer(c.api, call, pieces))
    const v = await s.vigie({ routes: route(c, up), rules })
    const make = () => c.make(v.url + c.api.mount)
    if (c.whole) {
      const e = await raised(c.whole(make(), 'hello', () => {}))
      assert.ok(classes(e).includes(c.refused), `${classes(e)}: ${words(e)}`)
      assert.ok(words(e).includes(says.answer) || words(e).includes(JSON.stringify(says.answer).slice(1, -1)), words(e))
      assert.equal(up.calls.length, 1, 'one attempt')
    }
    // In mid-stream: the client has the first text while the upstream still waits.
    const calls = up.calls.length
    pieces = ['well, it began, ', gate, marker.slice(0, 3), marker.slice(3), ' then']
    const seen = { text: '' }
    const streaming = c.stream(make(), 'hello', x => { seen.text += x; if (seen.text.includes('it began')) gate.open() })
    const e = c.cut ? await raised(streaming, seen) : { message: JSON.stringify((await streaming).at(-1)) }
    if (c.cut) assert.ok([c.cut].flat().some(x => classes(e).includes(x)), `${classes(e)}: ${words(e)}`)
    else assert.match(e.message, /error/i)
    if (!c.mute) assert.ok(words(e).includes(says.answer) || words(e).includes(JSON.stringify(says.answer).slice(1, -1)), `${words(e)}`)
    assert.equal(seen.text, 'well, it began, ')
    assert.equal(up.calls.length, calls + 1, 'one attempt')
    const last = v.records().at(-1), all = v.records()
    assert.equal(all.length, up.calls.length)
    for (const r of all) assert.deepEqual([r.verdict, r.rule], ['block', 'no-marker'], JSON.stringify(last))
  })
}

// An IBAN that checks out, and an address; of no one.
const iban = 'DE89 3704 0044 0532 0130 00', mail = 'jan.novak@example.org'
const redact = `pack: p
version: 1
rules:
  - {id: mask-prompt, on: prompt, when: {check: pii, kind: [iban, email]}, action: redact, message: masked}
  - {id: mask-answer, on: answer, when: {any: [{check: pii, kind: [iban, email]}, {pattern: 'project [A-Z]{3,9}'}]}, action: redact, message: masked}
`
for (const c of clients) {
  test(`${c.name}: redaction both ways`, async t => {
    const s = await stage(t)
    const asked = `Is ${iban} “mine” \\ or ${mail}'s? Ünïcode`
    const pieces = ['The account ', iban.slice(0, 9), iban.slice(9), ' is of pro', 'ject HER', 'ON, mail jan.no', 'vak@example.org', ' and that is all.']
    const up = await s.upstream(call => answer(c.api, call, pieces))
    const v = await s.vigie({ routes: route(c, up), rules: redact })
    for (const mode of ['whole', 'stream'].filter(m => c[m])) {
      const first = up.calls.length
      let text = ''
      await c[mode](c.make(up.url), asked, () => {})
      const got = JSON.stringify(await c[mode](c.make(v.url + c.api.mount), asked, x => { text += x }))
      const [direct, through] = up.calls.slice(first)
      // The rest of the request is the same, byte for byte.
      const masked = /\[IBAN\]/i.exec(through.body)?.[0], mailed = /\[E-?MAIL\]/i.exec(through.body)?.[0]
      assert.ok(masked && mailed, through.body)
      assert.equal(through.body, direct.body.replaceAll(iban, masked).replaceAll(mail, mailed), mode)
      assert.equal(Number(through.headers['content-length']), Buffer.byteLength(through.body))
      for (const gone of ['3704', '0130 00', 'HERON', 'novak', 'example.org']) assert.ok(!got.includes(gone), `${mode}: ${gone} in ${got}`)
      assert.ok(/that is all/.test(got), got)
      if (mode === 'stream') assert.match(text, /^The account \[IBAN\] is of \[[A-Z]+\], mail \[E-?MAIL\] and that is all\.$/i)
      else assert.match(got, /The account \[IBAN\] is of \[[A-Z]+\], mail \[E-?MAIL\] and that is all\./i)
    }
    for (const r of v.records()) assert.equal(r.verdict, 'redact')
  })
}
