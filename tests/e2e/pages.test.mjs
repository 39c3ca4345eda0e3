// SPDX-License-Identifier: Apache-2.0
// The pages in a real browser: what people see, wide and narrow, light and dark, with script and without, in both languages; that hostile
// traffic stays text and breaks no page; that they can be used by keyboard and read aloud. Skipped where there is no Chromium.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { browser, chromium } from './browser.mjs'
import { chat, completion, stage, until } from './stage.mjs'

const options = { skip: chromium ? false : 'no chromium' }
const rules = `pack: "birds<script>"
version: 1
rules:
  - {id: heron, on: answer, when: {pattern: 'hér(on|isson)'}, action: flag, message: "<b>birds</b> & beasts", severity: high, tests: [{answer: héron, expect: flag}, {answer: a, expect: allow}]}
  - {id: no-returns, on: answer, when: {pattern: '(?i)guaranteed returns'}, action: block, message: "Promises of returns are not allowed.", severity: critical, tests: [{answer: guaranteed returns, expect: block}, {answer: a, expect: allow}]}
  - {id: hide-codes, on: prompt, when: {pattern: 'CODE-[0-9]{6}'}, action: redact, message: "Codes are hidden from the model.", severity: low, tests: [{prompt: CODE-123456, expect: redact}, {prompt: a, expect: allow}]}
`
const evil = {
  script: '</title></textarea><script>window.pwned=1</script><img src=x onerror="window.pwned=2"><svg onload=window.pwned=3>',
  attribute: '" onmouseover="window.pwned=4" x="\'><a href="javascript:window.pwned=5">x</a><style>body{display:none}</style>',
  direction: 'abc \u202e\u2067 txt.exe \u200b\u200d\ufeff\u2060 \u0000\u0007 héron',
  word: 'x'.repeat(6000),
  rows: 'line\n'.repeat(400),
  huge: 'a héron sat here. '.repeat(20000),
}
const says = { bird: 'one héron, two', money: 'This fund has guaranteed returns, always.', code: 'noted', stone: 'nothing' }
// A bank with two routes, traffic of every verdict, and hostile traffic in each field that a client or a model can fill.
async function scene(t, more = {}) {
  const s = await stage(t)
  const up = await s.upstream(c => {
    const text = c.json_body.messages.at(-1).content
    const hostile = Object.keys(evil).find(k => text.includes(`evil-${k}`))
    c.json(completion(hostile ? `héron ${evil[hostile]}` : says[Object.keys(says).find(k => text.includes(k))] ?? 'nothing'))
  })
  const v = await s.vigie({ routes: [{ name: 'assistant', mount: '/openai', upstream: up.url, api: 'openai' }, { name: 'branch', mount: '/branch', upstream: up.url, api: 'openai' }], rules, ...more })
  const ask = async (text, headers = {}, mount = '/openai') => (await v.fetch(mount + '/v1/chat/completions', { ...chat(text), headers: { 'content-type': 'application/json', ...headers } })).text()
  for (const [i, text] of ['a bird', 'money?', 'my code is CODE-123456', 'a stone', 'another bird'].entries()) await ask(text, { 'x-vigie-caller': i % 2 ? 'app' : 'web-chat' }, i === 4 ? '/branch' : '/openai')
  const hostile = async () => {
    for (const k of Object.keys(evil)) await ask(`evil-${k} ${evil[k]}`, { 'x-vigie-caller': k === 'huge' || k === 'rows' || k === 'direction' ? k : Buffer.from(evil[k].slice(0, 200)).toString('latin1'), 'x-vigie-tag-note': '<i onclick=pwned()>' })
  }
  const flags = async (q = '') => (await (await fetch(v.admin + '/api/v1/flags' + q)).json()).exchanges
  const one = async verdict => (await until(`one ${verdict} is listed`, async () => (await flags('?verdict=' + verdict))[0])).id
  return { s, v, ask, hostile, flags, one }
}
const pages = async ({ v, one }) => ['/', '/flags', '/flags?verdict=block', '/flags?rule=nobody', '/exchanges', '/drift', '/rules', ...(await Promise.all(['flag', 'block', 'redact'].map(one))).map(id => `/exchange/${id}`)]

// What must hold of every page, looked at in the page itself: [what is wrong, …].
const look = () => {
  const wrong = [], all = [...document.querySelectorAll('body *')], shown = e => { const r = e.getBoundingClientRect(); return r.width > 0 && r.height > 0 && getComputedStyle(e).visibility === 'visible' }
  const name = e => `${e.tagName.toLowerCase()}${e.id ? '#' + e.id : ''}${e.className && e.className.baseVal === undefined ? '.' + e.className : ''} "${(e.textContent ?? '').trim().slice(0, 40)}"`
  if (document.documentElement.scrollWidth > innerWidth) wrong.push(`the page is ${document.documentElement.scrollWidth} wide`)
  for (const e of all) {
    const r = e.getBoundingClientRect()
    if (shown(e) && r.right > innerWidth + 1 && !e.closest('.scroll')) wrong.push(`${name(e)} ends at ${Math.round(r.right)}`)
  }
  // Headings: one h1, none skipped.
  const levels = [...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(h => { if (!h.textContent.trim()) wrong.push('an empty heading'); return Number(h.tagName[1]) })
  if (levels.filter(l => l === 1).length !== 1 || levels[0] !== 1) wrong.push(`headings ${levels}`)
  levels.forEach((l, i) => { if (i && l > levels[i - 1] + 1) wrong.push(`heading ${l} after ${levels[i - 1]}`) })
  if (!document.title || !/^(en|fr)$/.test(document.documentElement.lang) || document.querySelectorAll('main').length !== 1) wrong.push('title, language or main is missing')
  const ids = all.map(e => e.id).filter(Boolean)
  if (new Set(ids).size !== ids.length) wrong.push('an id stands twice')
  // Names of what can be used or seen.
  for (const e of document.querySelectorAll('input:not([type=hidden]),select,textarea')) if (!e.labels?.length && !e.getAttribute('aria-label')) wrong.push(`${name(e)} has no label`)
  for (const e of document.querySelectorAll('a[href],button')) if (!e.textContent.trim() && !e.getAttribute('aria-label')) wrong.push(`${name(e)} has no name`)
  for (const e of document.querySelectorAll('img,svg')) if (!e.getAttribute('aria-label') && !e.getAttribute('alt') && e.getAttribute('aria-hidden') !== 'true') wrong.push(`${name(e)} has no words`)
  for (const e of document.querySelectorAll('th')) if (shown(e) && !e.textContent.trim()) wrong.push('a column has no name')
  for (const e of document.querySelectorAll('table')) { // as many cells as columns
    const n = e.querySelectorAll('thead th').length
    for (const row of e.querySelectorAll('tbody tr')) if (row.cells.length !== n) wrong.push(`${row.cells.length} cells under ${n} heads`)
  }
  // Contrast (WCAG 2, 1.4.3) of each text against what lies behind it.
  const rgb = c => { const m = c.match(/[\d.]+/g).map(Number); return { r: m[0], g: m[1], b: m[2], a: m[3] ?? 1 } }
  const light = c => [c.r, c.g, c.b].map(x => x / 255).map(x => x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4).reduce((sum, x, i) => sum + x * [0.2126, 0.7152, 0.0722][i], 0)
  const told = new Set()
  for (const e of all) {
    if (!shown(e) || e.closest('svg,option') || ![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue
    let behind = { r: 255, g: 255, b: 255, a: 0 }
    for (let p = e; p; p = p.parentElement) { const c = rgb(getComputedStyle(p).backgroundColor); if (c.a === 1) { behind = c; break } }
    const style = getComputedStyle(e), size = parseFloat(style.fontSize), a = light(rgb(style.color)), b = light(behind), ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
    const least = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5, key = `${style.color} on ${JSON.stringify(behind)}`
    if (ratio < least && !told.has(key)) { told.add(key); wrong.push(`${name(e)}: contrast ${ratio.toFixed(2)} (${key})`) }
  }
  if (window.pwned !== undefined) wrong.push(`script of the traffic ran: ${window.pwned}`)
  if (document.querySelectorAll('main script,main img,main style,main iframe,main [onclick],main [onmouseover],main [onerror],a[href^="javascript:"]').length) wrong.push('the traffic made an element')
  return wrong
}
const sane = async (tab, what, base, allowed = () => false) => {
  assert.deepEqual(await tab.eval(look), [], what)
  assert.deepEqual(tab.errors.filter(e => !allowed(e)), [], `${what}: console`)
  assert.deepEqual(tab.requests.filter(u => !u.startsWith(base) && !/^(about|data|file):/.test(u)), [], `${what}: asks elsewhere`)
  assert.equal(tab.dialogs, 0, what)
  tab.errors.length = tab.requests.length = 0
}

test('every page, wide and narrow, light and dark, with script and without, in both languages', options, async t => {
  const it = await scene(t), b = await browser(t), titles = {}
  const paths = await pages(it)
  for (const [width, dark, script, language] of [[1280, false, true, 'en'], [1280, true, false, 'fr'], [390, false, false, 'en'], [390, true, true, 'fr']]) {
    const tab = await b.tab({ width, dark, script, language })
    for (const p of paths) {
      await tab.go(it.v.admin + p)
      await sane(tab, `${p} at ${width}, ${dark ? 'dark' : 'light'}, script ${script}, ${language}`, it.v.admin)
      assert.equal(await tab.eval(() => document.documentElement.lang), language)
      ;(titles[p] ??= new Set()).add(await tab.eval(() => document.title))
    }
    for (const [p, status] of [['/nosuch', 404], ['/exchange/01AAAAAAAAAAAAAAAAAAAAAAAA', 404], ['/flags?since=soonish', 400], ['/exchanges?colour=red', 400]]) {
      await tab.go(it.v.admin + p)
      await sane(tab, p, it.v.admin, e => e.includes(String(status)) && e.includes(p.split('?')[0]))
      assert.ok(await tab.eval(() => document.querySelectorAll('main a[href]').length > 0), `${p} leads back`)
    }
    await tab.close()
  }
  for (const p of ['/', '/flags', '/exchanges', '/drift', '/rules']) assert.equal(titles[p].size, 2, `${p} has a title in each language: ${[...titles[p]]}`)
})

test('what hostile traffic says stays text and breaks no page', options, async t => {
  const it = await scene(t), b = await browser(t)
  await it.hostile()
  const hostile = await until('all are listed', async () => { const l = (await it.flags('?limit=100')).filter(x => x.question.startsWith('evil-')); return l.length === Object.keys(evil).length && l })
  const paths = ['/', '/flags', '/exchanges', '/drift', '/rules', `/flags?text=${encodeURIComponent(evil.script)}`, `/flags?caller=${encodeURIComponent(evil.attribute.slice(0, 150))}`, ...hostile.map(x => `/exchange/${x.id}`)]
  for (const [width, dark, script] of [[1280, false, true], [390, true, true], [390, false, false]]) {
    const tab = await b.tab({ width, dark, script })
    for (const p of paths) {
      await tab.go(it.v.admin + p)
      await sane(tab, `${p.slice(0, 80)} at ${width}`, it.v.admin)
    }
    await tab.close()
  }
  // The letters arrive whole: what was asked is what can be read.
  const tab = await b.tab()
  for (const k of ['script', 'attribute', 'word']) {
    await tab.go(`${it.v.admin}/exchange/${hostile.find(x => x.question.startsWith('evil-' + k)).id}`)
    assert.ok((await tab.eval(() => [...document.querySelectorAll('.turn.user .text')].map(e => e.textContent).join())).includes(`evil-${k} ${evil[k]}`), k)
  }
  // A direction that the traffic turns ends with the traffic: what follows on the page still runs from left to right.
  await tab.go(`${it.v.admin}/exchange/${hostile.find(x => x.question.startsWith('evil-direction')).id}`)
  assert.ok(await tab.eval(() => [...document.querySelectorAll('.text,bdi')].every(e => getComputedStyle(e).unicodeBidi.startsWith('isolate'))))
  // A report of the same, as a file of its own.
  for (const language of ['en', 'fr']) {
    const file = path.join(it.v.dir, `report-${language}.html`)
    assert.equal(it.v.run('report', '-c', 'vigie.yaml', '--html', '--lang', language, '--out', file).code, 0)
    for (const [width, dark] of [[1280, false], [390, true]]) {
      const page = await b.tab({ width, dark })
      await page.go(pathToFileURL(file).href)
      await sane(page, `the report at ${width}`, 'file:')
      assert.equal(await page.eval(() => document.documentElement.lang), language)
      assert.ok(await page.eval(() => document.querySelectorAll('article').length >= 9 && document.querySelectorAll('mark').length > 5 && !document.querySelector('script,link,a[href^="/"]')))
      await page.close()
    }
  }
})

test('findings are marked at the letter, filters and pages lead on, links lead somewhere', options, async t => {
  const it = await scene(t), b = await browser(t)
  for (let i = 0; i < 56; i++) await it.ask(`a bird ${i}`, { 'x-vigie-caller': 'pager' })
  await until('all are listed', async () => (await it.flags('?caller=pager&limit=100')).length === 56)
  const tab = await b.tab()
  await tab.go(`${it.v.admin}/exchange/${await it.one('flag')}`)
  assert.deepEqual(await tab.eval(() => [...document.querySelectorAll('.turn mark')].map(m => [m.textContent, m.closest('.text').textContent])), [['héron', 'one héron, two']])
  await tab.go(`${it.v.admin}/exchange/${await it.one('block')}`)
  assert.deepEqual(await tab.eval(() => [...document.querySelectorAll('.turn mark')].map(m => m.textContent)), ['guaranteed returns'])
  assert.match(await tab.eval(() => document.querySelector('main').textContent), /no-returns.*Promises of returns are not allowed/)
  await tab.go(`${it.v.admin}/exchange/${await it.one('redact')}`)
  assert.ok(!(await tab.eval(() => document.documentElement.outerHTML)).includes('CODE-123456'), 'what was redacted is on no page')
  for (const script of [true, false]) {
    const tab = await b.tab({ script })
    const rows = () => tab.eval(() => [...document.querySelectorAll('main tbody tr a[href^="/exchange/"]')].map(a => a.getAttribute('href')))
    await tab.go(it.v.admin + '/flags')
    await tab.click('#f-caller')
    await tab.type('pager')
    await tab.next(() => tab.press('Enter', 'Enter', '\r'))
    const first = await rows()
    assert.equal(first.length, 50)
    assert.equal(await tab.eval(() => document.querySelector('#f-caller').value), 'pager')
    assert.match(await tab.eval(() => document.querySelector('.pager').textContent), /50 of 56/)
    await tab.next(() => tab.click('.pager a'))
    const second = await rows()
    assert.equal(second.length, 6)
    assert.equal(new Set([...first, ...second]).size, 56)
    assert.equal(await tab.eval(() => document.querySelector('#f-caller').value), 'pager')
    await tab.next(() => tab.click('.pager a'))
    assert.deepEqual(await rows(), first)
    await tab.go(it.v.admin + '/flags')
    if (script) await tab.next(() => tab.eval(() => { const s = document.querySelector('#f-verdict'); s.value = 'block'; s.dispatchEvent(new Event('change')) }))
    else await tab.go(it.v.admin + '/flags?verdict=block&rule=&route=&caller=&text=&since=')
    assert.equal((await rows()).length, 1)
    await tab.next(() => tab.click('main tbody a[href^="/exchange/"]'))
    assert.match(await tab.eval(() => location.pathname), /^\/exchange\/[0-9A-Z]{26}$/)
    await tab.close()
  }
  // Every link on every page answers.
  const seen = new Map()
  for (const queue = ['/']; queue.length;) {
    const p = queue.pop(), kind = p.replace(/[0-9A-Z]{26}/g, 'ID')
    if (seen.has(p) || [...seen.values()].filter(k => k === kind).length > 3) continue
    seen.set(p, kind)
    const r = await fetch(it.v.admin + p), html = await r.text()
    assert.equal(r.status, 200, p)
    for (const [, href] of html.matchAll(/(?:href|src|action)="([^"]*)"/g)) {
      const to = new URL(href.replaceAll('&amp;', '&'), it.v.admin + p)
      assert.equal(to.origin, it.v.admin, `${p}: ${href}`)
      if (!/\/(review|logout)$/.test(to.pathname)) queue.push(to.pathname + to.search)
    }
  }
  assert.ok(new Set(seen.values()).size > 15)
})

test('reviews by form, with script and without, and they outlive a restart', options, async t => {
  const it = await scene(t), b = await browser(t)
  const [first, second] = (await until('two are listed', async () => { const l = await it.flags('?rule=heron'); return l.length === 2 && l })).map(x => x.id)
  for (const [script, id, button, note] of [[true, first, 'confirmed', 'a <b>bird</b> & "more"'], [false, second, 'false_alarm', 'no bird']]) {
    const tab = await b.tab({ script, width: script ? 1280 : 390 })
    await tab.go(`${it.v.admin}/exchange/${id}`)
    await tab.click('#note')
    await tab.type(note)
    await tab.next(() => tab.click(`button[value=${button}]`))
    assert.equal(await tab.eval(() => location.pathname), `/exchange/${id}`)
    assert.ok((await tab.eval(() => document.querySelector('main').textContent)).includes(note))
    await sane(tab, 'after a review', it.v.admin)
    await tab.close()
  }
  for (const round of ['before', 'after']) {
    const tab = await b.tab()
    await tab.go(it.v.admin + '/rules')
    assert.match(await tab.eval(() => [...document.querySelectorAll('tbody tr')].find(r => r.textContent.includes('heron')).lastElementChild.textContent), /50 %.*\(2\)/, round)
    await tab.go(it.v.admin + '/flags?rule=heron')
    assert.deepEqual(await tab.eval(() => [...document.querySelectorAll('tbody tr')].map(r => /Rightly flagged|False alarm/.exec(r.textContent)?.[0])), ['Rightly flagged', 'False alarm'], round)
    await tab.close()
    if (round === 'before') { await it.v.stop(); await it.v.start() }
  }
})

test('a page that is open shows what is flagged meanwhile; language is kept; the keyboard reaches all', options, async t => {
  const it = await scene(t), b = await browser(t)
  const tab = await b.tab()
  await tab.go(it.v.admin + '/flags')
  const rows = () => tab.eval(() => document.querySelectorAll('tbody tr').length)
  const had = await until('the first are there', async () => { const n = await rows(); if (n === 4) return n; await tab.go(it.v.admin + '/flags') })
  await until('it listens', async () => tab.requests.some(u => u.endsWith('/api/v1/events')))
  await until('a new row comes by itself', async () => { await it.ask('a late bird'); return await rows() > had })
  assert.match(await tab.eval(() => document.querySelector('tbody tr').textContent), /a late bird/)
  await sane(tab, 'after rows came', it.v.admin)
  // Language: a link keeps it.
  await tab.next(() => tab.click('nav .right a'))
  assert.equal(await tab.eval(() => document.documentElement.lang), 'fr')
  await tab.go(it.v.admin + '/rules')
  assert.deepEqual(await tab.eval(() => [document.documentElement.lang, document.querySelector('h1').textContent]), ['fr', 'Règles'])
  // Keyboard: Tab goes through all that can be used, in order, and shows where it is.
  const quiet = await b.tab({ script: false })
  await quiet.go(`${it.v.admin}/exchange/${await it.one('flag')}`)
  const wanted = await quiet.eval(() => [...document.querySelectorAll('a[href],button,input:not([type=hidden]),select')].length)
  const reached = new Set()
  for (let i = 0; i < wanted + 5; i++) {
    await quiet.press('Tab')
    const at = await quiet.eval(() => { const e = document.activeElement, s = getComputedStyle(e); return e === document.body ? null : [[...document.querySelectorAll('*')].indexOf(e), s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 1] })
    if (!at) continue
    assert.ok(at[1], 'focus can be seen')
    reached.add(at[0])
  }
  assert.ok(reached.size >= wanted, `${reached.size} of ${wanted} reached`)
})

test('the way in: login, a wrong token, out', options, async t => {
  const it = await scene(t, { admin: '{listen: 127.0.0.1:0, token: sesame-sesame-sesame}' }), b = await browser(t)
  for (const script of [true, false]) {
    const tab = await b.tab({ script, width: script ? 390 : 1280 })
    const enter = async token => {
      await tab.click('#token')
      await tab.type(token)
      await tab.next(() => tab.press('Enter', 'Enter', '\r'))
    }
    await tab.go(it.v.admin + '/flags')
    assert.equal(await tab.eval(() => location.pathname), '/login')
    await sane(tab, 'login', it.v.admin)
    await enter('wrong')
    assert.match(await tab.eval(() => document.querySelector('main').textContent), /That is not the token/)
    await sane(tab, 'wrong token', it.v.admin, e => e.includes('403'))
    await enter('sesame-sesame-sesame')
    assert.equal(await tab.eval(() => location.pathname), '/')
    await sane(tab, 'within', it.v.admin)
    await tab.next(() => tab.click('form[action="/logout"] button'))
    await tab.go(it.v.admin + '/')
    assert.equal(await tab.eval(() => location.pathname), '/login')
    await tab.close()
  }
})
