// SPDX-License-Identifier: Apache-2.0
// A real browser for the tests of pages: Chromium without a window, spoken to over its debugging pipe (DevTools protocol, messages that
// end in a NUL on file descriptors 3 and 4). Nothing to install but the browser; CHROMIUM names another one.
//
//   const b = await browser(t)
//   const tab = await b.tab({ width: 390, dark: true, script: false, language: 'fr' })
//   await tab.go(url);  await tab.eval(() => document.title);  tab.requests, tab.errors: what it asked for, what the console said
import { spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'

export const chromium = [process.env.CHROMIUM, 'chromium', 'chromium-browser', 'google-chrome'].filter(Boolean)
  .find(name => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0)

export async function browser(t) {
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'vigie-browser-'))
  const child = spawn(chromium, ['--headless=new', '--remote-debugging-pipe', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-extensions', '--hide-scrollbars', `--user-data-dir=${profile}`, 'about:blank'],
  { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'], detached: true })
  const ended = new Promise(k => child.once('exit', k))
  const waiting = new Map(), tabs = new Map()
  let last = 0, rest = Buffer.alloc(0)
  child.stdio[4].on('data', d => {
    rest = Buffer.concat([rest, d])
    for (let end; (end = rest.indexOf(0)) >= 0; rest = rest.subarray(end + 1)) {
      const m = JSON.parse(rest.subarray(0, end).toString())
      if (m.id) {
        const w = waiting.get(m.id)
        waiting.delete(m.id)
        m.error ? w.fail(new Error(`${w.method}: ${m.error.message}`)) : w.done(m.result)
      } else tabs.get(m.sessionId)?.(m.method, m.params)
    }
  })
  child.stdio[3].on('error', () => {})
  child.once('exit', () => { for (const w of waiting.values()) w.fail(new Error('the browser ended')) })
  const send = (method, params = {}, sessionId) => new Promise((done, fail) => {
    waiting.set(++last, { done, fail, method })
    child.stdio[3].write(JSON.stringify({ id: last, method, params, sessionId }) + '\0')
  })
  t.after(async () => {
    await Promise.race([send('Browser.close').catch(() => {}), ended])
    await ended
    try { process.kill(-child.pid, 'SIGKILL') } catch {} // what it may have left behind, in a group of its own
    for (let i = 0; i < 50; i++) try { fs.rmSync(profile, { recursive: true, force: true }); break } catch { await new Promise(k => setTimeout(k, 50)) }
  })

  // A tab with cookies of its own.
  const tab = async ({ width = 1280, height = 900, dark = false, script = true, language = 'en' } = {}) => {
    const { browserContextId } = await send('Target.createBrowserContext')
    const { targetId } = await send('Target.createTarget', { url: 'about:blank', browserContextId })
    const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true })
    const x = { requests: [], errors: [], dialogs: 0 }
    let loaded = () => {}
    const call = (method, params) => send(method, params, sessionId)
    tabs.set(sessionId, (method, p) => {
      if (method === 'Page.loadEventFired') loaded()
      else if (method === 'Network.requestWillBeSent') x.requests.push(p.request.url)
      else if (method === 'Runtime.exceptionThrown') x.errors.push(p.exceptionDetails.exception?.description ?? p.exceptionDetails.text)
      else if (method === 'Runtime.consoleAPICalled' && ['error', 'warning', 'assert'].includes(p.type)) x.errors.push(p.args.map(a => a.value ?? a.description).join(' '))
      else if (method === 'Log.entryAdded' && ['error', 'warning'].includes(p.entry.level)) x.errors.push(`${p.entry.text} ${p.entry.url ?? ''}`)
      else if (method === 'Page.javascriptDialogOpening') { x.dialogs++; call('Page.handleJavaScriptDialog', { accept: false }).catch(() => {}) }
    })
    for (const domain of ['Page', 'Network', 'Runtime', 'Log']) await call(domain + '.enable')
    await call('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: width < 600 })
    await call('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }] })
    if (!script) await call('Emulation.setScriptExecutionDisabled', { value: true })
    const { userAgent } = await send('Browser.getVersion')
    await call('Emulation.setUserAgentOverride', { userAgent, acceptLanguage: language })
    await call('Emulation.setLocaleOverride', { locale: language }).catch(() => {})
    x.next = async act => { // what act starts is a page; wait until it is there
      const there = new Promise((done, fail) => { loaded = done; setTimeout(() => fail(new Error('the page did not load')), Number(process.env.PATIENCE ?? 20000)).unref() })
      await act()
      await there
    }
    x.go = url => x.next(() => call('Page.navigate', { url }))
    // f runs in the page, in a world of its own when the page's script is off.
    x.eval = async (f, ...args) => {
      const expression = typeof f === 'string' ? f : `(${f})(...${JSON.stringify(args)})`
      const r = await call('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true })
      if (r.exceptionDetails) throw new Error(r.exceptionDetails.exception?.description ?? r.exceptionDetails.text)
      return r.result.value
    }
    x.press = async (key, code = key, text) => {
      await call('Input.dispatchKeyEvent', { type: text ? 'keyDown' : 'rawKeyDown', key, code, text, windowsVirtualKeyCode: { Tab: 9, Enter: 13, Escape: 27 }[key] ?? 0 })
      await call('Input.dispatchKeyEvent', { type: 'keyUp', key, code, windowsVirtualKeyCode: { Tab: 9, Enter: 13, Escape: 27 }[key] ?? 0 })
    }
    x.type = text => call('Input.insertText', { text })
    x.click = async selector => {
      const at = await x.eval(s => {
        const e = document.querySelector(s)
        if (!e) return null
        e.scrollIntoView({ block: 'center' })
        const r = e.getClientRects()[0]
        return { x: r.x + r.width / 2, y: r.y + r.height / 2 }
      }, selector)
      if (!at) throw new Error(`there is no ${selector}`)
      for (const type of ['mousePressed', 'mouseReleased']) await call('Input.dispatchMouseEvent', { type, ...at, button: 'left', clickCount: 1 })
    }
    x.shot = async file => {
      const { cssContentSize: s } = await call('Page.getLayoutMetrics')
      const { data } = await call('Page.captureScreenshot', { captureBeyondViewport: true, clip: { x: 0, y: 0, width, height: Math.min(6000, Math.max(height, s.height)), scale: 1 } })
      fs.writeFileSync(file, Buffer.from(data, 'base64'))
    }
    x.close = () => { tabs.delete(sessionId); return send('Target.closeTarget', { targetId }) }
    return x
  }
  return { tab }
}
