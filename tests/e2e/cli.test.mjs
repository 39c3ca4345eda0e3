// SPDX-License-Identifier: Apache-2.0
// Every bad config, rule, record file and argument gets an error that says what, where and what to do: the verbs as a user drives them, with
// what users, editors, spreadsheets, shells and attackers put into files and arguments. Nothing crashes, hangs or half succeeds in silence.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import zlib from 'node:zlib'
import { binary, chat, completion, stage, until } from './stage.mjs'

const verbs = ['serve', 'demo', 'check', 'rules', 'scan', 'drift', 'records', 'report', 'verify', 'doctor', 'performance']
const isRoot = process.getuid() === 0

// A folder with these files; vigie runs in it.
function bench(t, files = {}) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'vigie-cli-'))
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }))
  const b = { dir }
  b.write = (name, content) => {
    fs.mkdirSync(path.dirname(path.join(dir, name)), { recursive: true })
    fs.writeFileSync(path.join(dir, name), content)
  }
  for (const [name, content] of Object.entries(files)) b.write(name, content)
  b.run = (words, { input = '', env = {}, ...more } = {}) => {
    const r = spawnSync(binary, words, { cwd: dir, input, maxBuffer: 1 << 28, timeout: 60000, env: { ...process.env, COLUMNS: '160', ...env }, ...more })
    const out = String(r.stdout ?? ''), err = String(r.stderr ?? ''), said = `vigie ${words.join(' ').slice(0, 200)}\n${out.slice(0, 2000)}\n${err.slice(0, 4000)}`
    assert.equal(r.signal, null, `ended by ${r.signal}: ${said}`)
    assert.equal(r.error, undefined, said)
    assert.ok(!/Sanitizer|runtime error|Assertion|cannot go on/.test(err), said)
    return { code: r.status, out, err, said, lines: err.split('\n').filter(Boolean) }
  }
  b.shell = (script, words) => {
    const r = spawnSync('/bin/bash', ['-c', script, binary, ...words], { cwd: dir, encoding: 'utf8', timeout: 60000, maxBuffer: 1 << 28 })
    return { code: r.status, out: r.stdout, err: r.stderr }
  }
  // Refused with status 2: nothing on stdout, every line `vigie: what: what to do`, and each of these said by some line.
  b.refused = (words, ...wanted) => {
    const options = wanted.length && !(wanted[0] instanceof RegExp) ? wanted.shift() : {}
    const r = b.run(words, options)
    assert.equal(r.code, 2, r.said)
    if (!options.some_out) assert.equal(r.out, '', r.said)
    assert.ok(r.lines.length > 0, r.said)
    for (const line of r.lines) assert.match(line, /^vigie: [^:]+.*: .+/, r.said)
    for (const w of wanted) assert.ok(r.lines.some(l => w.test(l)), `not said: ${w}\n${r.said}`)
    return r
  }
  return b
}
const route = 'routes: [{mount: /, upstream: "http://127.0.0.1:1"}]\n'
const rule = (more, id = 'r') => `rules:\n  - {id: ${id}, on: answer, action: flag, ${more}}\n`

// ---- words ----

test('the command itself: no verb, an unknown one, help and version', t => {
  const b = bench(t)
  const none = b.run([])
  assert.equal(none.code, 2)
  for (const v of verbs) assert.ok(none.err.includes(`  ${v} `), none.err)
  b.refused(['srve'], /no verb 'srve': did you mean 'serve'\?/)
  b.refused(['frobnicate'], /no verb 'frobnicate': see vigie --help/)
  b.refused([''], /no verb ''/)
  b.refused(['--json', 'scan'], /no option '--json' before a verb/)
  b.refused(['version', 'x'], /'x' is one too many/)
  b.refused(['help', 'scn'], /no verb 'scn': did you mean 'scan'\?/)
  b.refused(['x'.repeat(100000)], /there is no verb/)
  b.refused(['\u001b[31mred\n'], /\\x1b\[31mred\\x0a/)
  b.refused([Buffer.from('a').toString() + '\u202eevil'], /\\xe2\\x80\\xaeevil/)
  for (const word of ['--version', '-V', 'version']) assert.match(b.run([word]).out, /^vigie \d+\.\d+\.\d+ \(\S+\)\n$/)
  for (const word of ['--help', '-h', 'help']) {
    const r = b.run([word])
    assert.deepEqual([r.code, r.err], [0, ''])
    for (const v of verbs) assert.ok(r.out.includes(`  ${v} `))
  }
})

test('every verb has help with usage, examples and exit status, wherever it is asked for', t => {
  const b = bench(t)
  for (const v of verbs) {
    const help = b.run([v, '--help'])
    assert.deepEqual([help.code, help.err], [0, ''], v)
    for (const w of [/usage: +vigie/i, new RegExp(`vigie ${v}`), /exit status: *0/i, /2 /]) assert.match(help.out, w, v)
    assert.match(help.out, v === 'drift' ? /vigie drift last-month/ : /examples:\n/i, v)
    for (const words of [[v, '-h'], ['help', v], [v, 'x', '--help'], [v, '--no-such', '--help']]) assert.equal(b.run(words).out, help.out, words.join(' '))
  }
})

test('every verb names the option that is wrong', t => {
  const b = bench(t)
  const values = { serve: 'config', demo: 'port', check: 'config', rules: 'rules', scan: 'scope', drift: 'alpha', records: 'route', report: 'out', verify: 'data', doctor: 'config', performance: 'stream' }
  for (const v of verbs) {
    const o = values[v]
    b.refused([v, '--no-such-thing'], new RegExp(`${v}: unknown option '--no-such-thing': `))
    b.refused([v, '--no-such=5'], new RegExp(`${v}: unknown option '--no-such=5'`))
    b.refused([v, '-Z'], new RegExp(`${v}: unknown option '-Z': see vigie ${v} --help`))
    b.refused([v, '-Zq'], new RegExp(`${v}: unknown option '-Z'`))
    b.refused([v, `--${o}`], new RegExp(`${v}: option --${o} wants a value`))
    b.refused([v, `--${o}=`], new RegExp(`${v}: option --${o} has an empty value`))
    b.refused([v, `--${o}`, ''], new RegExp(`${v}: option --${o} has an empty value`))
    b.refused([v, `--${o}`, `--${o}`], new RegExp(`${v}: option --${o} wants a value, and --${o} follows`))
    b.refused([v, `--${o.slice(0, -1)}x`, '1'], new RegExp(`did you mean --${o}\\?`))
    if (o !== 'rules') b.refused([v, `--${o}`, '1', `--${o}`, '1'], new RegExp(`${v}: (option --${o} is there twice: keep one|--alpha must lie)`))
  }
  for (const v of ['serve', 'check', 'rules', 'records', 'report', 'verify']) b.refused([v, '-c'], new RegExp(`${v}: option -c wants a value`))
  for (const v of ['check', 'scan', 'records', 'verify', 'drift', 'rules']) b.refused([v, '--json=yes'], new RegExp(`${v}: option --json takes no value`))
  b.refused(['records', '--s', '1'], /option '--s' may mean several/)
  for (const v of ['serve', 'demo', 'records', 'report', 'verify']) b.refused([v, 'one'], /'one'/)
  b.refused(['check', 'a', 'b'], /'b' is one too many/)
})

test('numbers out of range, negative, huge, with junk', t => {
  const b = bench(t)
  const junk = ['-1', '1e3', '1k', '0x10', ' 5', '5 ', 'NaN', '99999999999999999999999', '٣']
  for (const n of junk) {
    b.refused(['records', `--limit=${n}`], /--limit .* is not a number of records: a whole number/)
    b.refused(['report', `--limit=${n}`], /--limit .*: from 1 to 100000/)
    b.refused(['demo', `--port=${n}`], /--port .*: a port is a number from 0 \(any\) to 65535/)
    b.refused(['demo', `--rate=${n}`], /--rate .*: calls a second, from 0/)
    b.refused(['drift', `--seed=${n}`, 'a', 'b'], /--seed .* is not one: give a whole number/)
    b.refused(['drift', '--stream=x', `--warmup=${n}`], /--warmup .* is not one: give a number of lines/)
  }
  for (const n of ['0', '1', '-0.1', '2', 'inf', 'nan', '0.05x', '0,05', '1e400', '']) b.refused(['drift', `--alpha=${n}`, 'a', 'b'], /--alpha/)
  b.refused(['drift', '--alpha=0.00001', 'a', 'b'], /--alpha 1e-05 is finer than .*: from 0.0001 on/)
  for (const n of ['-0.1', '1.1', 'x']) b.refused(['drift', `--least-effect=${n}`, 'a', 'b'], /--least-effect must lie in 0 to 1/)
  b.refused(['demo', '--port', '65536'], /65536/)
  b.refused(['report', '--limit', '0'], /--limit 0: from 1/)
})

test('times, words and combinations that cannot be', t => {
  const b = bench(t)
  for (const v of ['records', 'report'])
    for (const when of ['yesterday', '2026-13-01', '2026-02-30', '2025-02-29', '2026-11-24T25:00:00Z', '2026-11-24T10:00:00+99:00', '-1h', '5', '1w', '24-11-2026'].filter(x => x !== '5'))
      for (const o of ['since', 'until']) b.refused([v, `--${o}=${when}`], new RegExp(`${v}: --${o} .*(is not a time|is no time): `))
  for (const v of ['records', 'report']) b.refused([v, '--since', '2026-02-02', '--until', '2026-01-01', '--data', '.'], /--since is behind --until: swap them/)
  for (const x of ['blck', 'flag,blck', ',', 'flag,,block', 'BLOCK']) b.refused(['records', '--verdict', x], /is not a verdict: allow, flag, redact, block/)
  b.refused(['records', '--json', '--csv'], /--json and --csv: keep one/)
  b.refused(['records', '--rebuild', '--id', 'x'], /--rebuild and --id/)
  b.refused(['records', '--bodies'], /--bodies goes with --json/)
  b.refused(['report', '--html', '--json'], /--html, --json and --csv: keep one/)
  b.refused(['report', '--lang', 'de'], /--lang de is not there: fr or en/)
  b.refused(['verify', '--head', 'abc'], /--head abc is not a head: 64 hexadecimal digits/)
  b.refused(['verify', '--from', '9', '--to', '3', '--data', '.'], /--from is behind --to/)
  b.refused(['serve', '--log', 'xml'], /no log format 'xml': --log json or --log text/)
  b.refused(['scan', '--fail-on', 'warn', 'x'], /--fail-on cannot be 'warn': flag, redact or block/)
  b.refused(['scan', '--checks', 'refusl', 'x'], /no check 'refusl': did you mean refusal\?/)
  b.refused(['scan', '--checks', 'refusal,,pii', 'x'], /no check ''/)
  b.refused(['scan', '--checks', ',', 'x'], /no check ''/)
  b.refused(['scan'], /nothing to scan: name files of JSON Lines, or -/)
  b.refused(['scan', '-', '-'], /standard input can be read once/)
  b.refused(['drift'], /two samples are needed, 0 given/)
  b.refused(['drift', 'a'], /two samples are needed, 1 given/)
  b.refused(['drift', 'a', 'b', 'c'], /two samples are needed, 3 given/)
  b.refused(['drift', '-', '-'], /both samples are standard input/)
  b.refused(['drift', '--stream', 'a'], /--stream needs --warmup/)
  b.refused(['drift', '--stream', 'a', 'b', '--warmup', '20'], /--stream takes one file/)
  b.refused(['drift', '--warmup', '20', 'a', 'b'], /--warmup goes with --stream/)
  b.refused(['drift', '--stream', 'a', '--warmup', '20', '--least-effect', '0.1'], /--least-effect is for two samples/)
  b.refused(['drift', '--text', '--json', 'a', 'b'], /--text and --json: keep one/)
  b.refused(['rules'], /say what to do: test, list, explain or try/)
  b.refused(['rules', 'tst'], /'tst' is nothing to do: did you mean 'test'\?/)
  b.refused(['rules', 'explain'], /rules explain: something is missing: vigie rules explain ID/)
  b.refused(['rules', 'try', 'x'], /rules try: something is missing/)
  b.refused(['rules', 'explain', 'no-such-rule'], /no rule 'no-such-rule'/)
})

// ---- stdout ----

test('a stdout that is closed or full is said and fails; a reader that has gone is not worth a word', t => {
  const b = bench(t, { 'vigie.yaml': route, 'x.jsonl': '{"prompt": "hello"}\n'.repeat(2000), 'a.csv': 'x,y\n' + '1,2\n3,4\n'.repeat(20) })
  const words = [['--help'], ['version'], ['scan', '--help'], ['check'], ['check', '--json'], ['check', '--print'], ['rules', 'list'], ['rules', 'test'], ['rules', 'list', '--json'],
    ['scan', 'x.jsonl'], ['drift', 'a.csv', 'a.csv']]
  for (const w of words) {
    const closed = b.shell('"$0" "$@" >&-', w), full = b.shell('"$0" "$@" >/dev/full', w), gone = b.shell('"$0" "$@" | head -c 1 >/dev/null; echo ${PIPESTATUS[0]}', w)
    assert.equal(closed.code, 2, `${w}: ${closed.err}`)
    assert.match(closed.err, /^vigie: .*standard output is closed: redirect it/m, String(w))
    assert.equal(full.code, 2, `${w}: ${full.err}`)
    assert.match(full.err, /^vigie: .*cannot (be written|write).*: No space left on device: is the disk full\?/m, String(w))
    assert.equal(gone.err, '', `${w}: ${gone.err}`)
    assert.equal(gone.out, '0\n', String(w))
  }
  // Nothing opened takes the number of a closed one: what stands in the file is what stood there.
  const before = fs.readFileSync(path.join(b.dir, 'vigie.yaml'))
  b.shell('"$0" "$@" >&- 2>&- <&-', ['check'])
  assert.deepEqual(fs.readFileSync(path.join(b.dir, 'vigie.yaml')), before)
})

// ---- the configuration ----

test('check: what a file may be instead of a config', t => {
  const b = bench(t, { empty: '', blank: '\n \n# x\n', word: 'hello', list: '- a\n', utf16: Buffer.from('\ufeffroutes: []\n', 'utf16le'), gz: zlib.gzipSync(route), tab: 'routes:\n\t- x\n',
    open: 'routes: [\n', nul: Buffer.from('listen: 127.0.0.1:0\nrecord: a\0b\n'), latin: Buffer.from('data: ./a\nrules: caf\xe9\n', 'latin1'), two: '---\nworkers: 1\n---\nworkers: 2\n',
    huge: 'a'.repeat(5 << 20), deep: 'a: ' + '['.repeat(5000), deepmap: 'a: ' + '{a: '.repeat(50000), alias: `a: &x 1\nb: *x\n`, merge: '<<: {a: 1}\n', tag: 'routes: !include other.yaml\n',
    bomb: 'a: &a [x,x]\n' + 'bcdefgh'.split('').map((c, i) => `${c}: &${c} [*${'abcdefg'[i]},*${'abcdefg'[i]}]\n`).join(''), noise: Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7919) & 255)) })
  fs.mkdirSync(path.join(b.dir, 'folder'))
  spawnSync('mkfifo', [path.join(b.dir, 'fifo')])
  const cases = [['nothere', /^vigie: nothere: cannot be opened: No such file or directory: check the path/], ['folder', /folder: it is a folder: name a file/], ['fifo', /fifo: not a regular file: name a file/],
    ['empty', /empty:1:1: the config is empty: the least is: routes/], ['blank', /blank:1:1: the config is empty/], ['word', /word:1:1: the config must be a map: write `key: value` lines/],
    ['list', /list:1:1: the config must be a map/], ['utf16', /utf16:1:9: routes is an empty list/], ['gz', /gz:1:1: not YAML: this is a gzip file \(unpack it first/], ['tab', /tab:2:1: not valid YAML: .*: check indentation/],
    ['open', /open:2:1: not valid YAML: /], ['nul', /nul:2:10: not valid YAML: control characters are not allowed: take the byte out/], ['latin', /latin:2:11: not valid YAML: .*UTF-8.*: save the file as UTF-8/],
    ['two', /two:3:1: more than one document \(---\) in the file: keep one/], ['huge', /huge: too large: split it: 4 MB is the most/], ['deep', /deep:1:\d+: nested too deeply: 64 levels/],
    ['deepmap', /deepmap:1:\d+: nested too deeply/], ['alias', /alias:2:4: aliases \(\*name\) are not taken: write the value out/], ['bomb', /bomb:2:8: aliases/], ['merge', /merge:1:1: unknown key '<<'/],
    ['tag', /tag:1:9: the tag '!include' means nothing here: take it out/], ['noise', /noise:1:1: not valid YAML: /]]
  for (const [file, wanted] of cases) {
    b.refused(['check', '-c', file], wanted)
    b.refused(['serve', '-c', file], wanted)
    if (file !== 'utf16') b.refused(['records', '-c', file], wanted)   // which needs no routes
  }
  const json = JSON.parse(b.run(['check', '-c', 'alias', '--json']).out)
  assert.deepEqual([json.fine, json.errors, json.problems[0].line, json.problems[0].column, json.problems[0].file], [false, 1, 2, 4, 'alias'])
})

test('check: line ends, byte order marks and quoting of other systems are taken', t => {
  const b = bench(t, { crlf: '\ufeff' + route.replace('\n', '\r\n') + 'workers: 2\r\n' })
  const r = b.run(['check', '-c', 'crlf'])
  assert.deepEqual([r.code, r.err, r.out], [0, '', 'crlf: 1 route, 0 rules: fine\n'])
})

test('check: all errors of a config at once, each at its place', t => {
  const b = bench(t, { 'vigie.yaml': `workers: -1
workers: 2
limits: {body: 10x, idle: 5, connections: 1e3, bdy: 1m, header: 1}
record: durabel
on_store_failure: 5
admin: {listen: 0.0.0.0:9090}
listen: 99999
data: [1]
rules: [nope.yaml]
routes:
  - {mount: openai, upstream: ftp://x, api: opnai, nme: x}
  - {mount: /a/, upstream: "http://u:p@h"}
  - {listen: 127.0.0.1:70000}
  - 5
  - {mount: /b, upstream: "http://h", scope: nope.json, tls: {ca: nope.pem}, headers: {set: {"a b": x, ok: "x\\ny"}, remove: [Host]}}
  - {mount: /b, upstream: "http://h?q=1"}
  - {mount: /c, upstream: [], rate: 5}
  - {mount: /d, upstream: {url: "http://h", weight: 0}, name: "a b"}
  - {mount: "/e/../f", upstream: "http://h:0"}
` })
  const r = b.refused(['check'], /:1:10: workers .* must be a whole number from 1 to 256/, /:2:1: the key 'workers' is there twice: it stands already on line 1/, /:3:16: limits.body must be a size: .*like 512k/,
    /:3:27: limits.idle must be a duration: .*like 250ms/, /:3:43: limits.connections must be a whole number/, /:3:48: unknown key 'bdy' in limits: did you mean 'body'\?/, /:3:65: limits.header is out of bounds: it may be from 1k to 1m/,
    /:4:9: record must be one of: durable, async, off: did you mean 'durable'\?/, /:5:19: on_store_failure must be one of: refuse, pass/, /:6:17: the admin port is open beyond this machine and has no token: set admin.token/,
    /:7:9: listen is no address: .*: write host:port/, /:8:7: data must be a text/, /:9:9: rules names '.*nope.yaml', which cannot be read: a path counts from/, /nope.yaml: cannot be opened: No such file/,
    /:11:13: mount: it must begin with a slash/, /:11:31: upstream is no http or https address: write http:/, /:11:45: api 'opnai' is not known: did you mean 'openai'\?/, /:11:52: unknown key 'nme' in a route: did you mean 'name'\?/,
    /:12:13: mount: it must not end in a slash/, /:12:28: upstream holds user information: give keys in headers.set/, /:13:5: the route has no upstream: add upstream/, /:13:14: listen is no address: the port/,
    /:14:5: a route must be a map/, /:15:46: scope: '.*nope.json' cannot be read: No such file/, /tls.ca: '.*nope.pem' cannot be read: No such file/, /'a b' is no header name: letters, digits/, /the value of the header ok is no header value/,
    /the header Host cannot be set or removed/, /:16:13: the mount \/b belongs to the route on line 15 already/, /:16:27: upstream holds a query/, /:17:27: upstream is an empty list: write upstream/, /:17:37: a rate must be a map/,
    /:18:53: weight must be a whole number from 1 to 1000/, /:18:63: name is no name for a route: up to 64 letters/, /:19:13: mount: /, /:19:34: upstream is no address: the port/)
  const json = JSON.parse(b.run(['check', '--json']).out)
  assert.equal(json.errors, r.lines.length)
  for (const p of json.problems) assert.ok(p.what && p.hint !== undefined && p.file, JSON.stringify(p))
})

test('check: the environment in values, never in keys', t => {
  const b = bench(t, { a: 'listen: ${NOT_SET_ANYWHERE}\n', b: 'listen: ${NO PE}\n', c: 'listen: "${NOPE"\n', d: '${HOME}: 1\n', e: 'listen: ${X:-127.0.0.1:0}\n' + route })
  b.refused(['check', '-c', 'a'], /a:1:9: the environment variable NOT_SET_ANYWHERE is not set: set it, or give a default/)
  b.refused(['check', '-c', 'b'], /b:1:9: \$\{…\} does not hold a name/)
  b.refused(['check', '-c', 'c'], /c:1:9: \$\{ without \}: write \$\{NAME\}/)
  b.refused(['check', '-c', 'd'], /d:1:1: unknown key '\$\{HOME\}'/)
  assert.equal(b.run(['check', '-c', 'e']).code, 0)
  b.refused(['check', '-c', 'e'], { env: { X: '127.0.0.1:0\nroutes: []' } }, /e:1:9: listen is no address/)
})

test('check: a file that may not be read', { skip: !isRoot && os.userInfo().uid === 0 }, t => {
  const b = bench(t, { 'vigie.yaml': route })
  fs.chmodSync(path.join(b.dir, 'vigie.yaml'), 0)
  fs.chmodSync(b.dir, 0o755)
  const options = isRoot ? { uid: 65534, gid: 65534 } : {}
  const probe = spawnSync(binary, ['version'], options)
  if (probe.error) return t.skip('the binary is not reachable for another user')
  b.refused(['check'], options, /vigie.yaml: cannot be opened: Permission denied: check the path and its permissions/)
  b.refused(['scan', 'vigie.yaml'], options, /vigie.yaml: cannot be opened: Permission denied/)
  b.refused(['drift', 'vigie.yaml', 'vigie.yaml'], options, /vigie.yaml: Permission denied/)
  b.refused(['rules', 'test', 'vigie.yaml'], options, /vigie.yaml: cannot be opened: Permission denied/)
})

test('check: many keys and many errors stay quick and bounded', t => {
  const b = bench(t, { keys: Array.from({ length: 9 }, (_, m) => `m${m}:\n` + Array.from({ length: 9990 }, (_, i) => `  k${i}: ${i}\n`).join('')).join(''),
    errors: Array.from({ length: 5000 }, (_, i) => `unknown${i}: 1\n`).join(''), twice: 'a: 1\n'.repeat(5000) })
  assert.match(b.refused(['check', '-c', 'keys'], /unknown key 'm0'/).err, /there are no routes/)
  for (const file of ['errors', 'twice']) {
    const r = b.refused(['check', '-c', file], /more problems are not shown: mend these first/)
    assert.ok(r.lines.length <= 202, String(r.lines.length))
  }
})

// ---- rules ----

test('rules: each kind of mistake, at its place', t => {
  const b = bench(t, { 'a.yaml': `pack: [1]
version: -1
ruls: []
rules:
  - 5
  - {}
  - id: "a b"
    on: prmpt
    when: {pattrn: x}
    action: blck
    severity: hgh
    messagee: x
    tests: [{answr: x, expect: blck}, 5, {answer: [1, [2]]}, {answer: x, expect: block}]
  - id: b
    on: answer
    action: flag
    when:
      all:
        - {pattern: 'ab(c'}
        - {pattern: '[z-a]'}
        - {pattern: ''}
        - {pattern: {a: b}}
        - {pattern: '(*LIMIT_MATCH=1)a\\Cb'}
        - {pattern: 'a{1000}{1000}{1000}'}
        - {words: []}
        - {words: 5}
        - {words: ['']}
        - {check: refusl, at_least: 0.5}
        - {check: refusal, at_least: 7}
        - {field: modl, is: x}
        - {field: model}
        - {rate: x}
        - {}
        - {any: []}
        - {pattern: x, words: [y]}
        - {not: [1]}
  - {id: c, on: answer, when: {words: [x]}, action: flag, enabled: maybe, tests: x, message: [1], status: new}
  - {id: c, on: answer, when: {words: [x]}, action: flag}
` })
  b.refused(['rules', 'test', 'a.yaml'], /a.yaml:1:7: pack must be a text/, /:2:10: version must be a whole number/, /:3:1: unknown key 'ruls' in a rules file: did you mean 'rules'\?/, /:5:5: a rule must be a map: \{id:/,
    /:6:5: a rule without an id: id: /, /:6:5: the rule '' does not say what it looks at: on: /, /:6:5: .* does not say what to do: action: /, /:6:5: .* does not say when: when: /, /:7:9: 'a b' cannot be an id: letters, digits/,
    /:8:9: on must be one of: prompt, answer, exchange: did you mean 'prompt'\?/, /:9:12: unknown key 'pattrn' in a condition: did you mean 'pattern'\?/, /:10:13: action must be one of: flag, redact, block: did you mean 'block'\?/,
    /:11:15: severity must be one of/, /:12:5: unknown key 'messagee' in a rule: did you mean 'message'\?/, /:13:14: unknown key 'answr' in a test: did you mean 'answer'\?/, /:13:32: expect must be one of/, /:13:39: a test must be a map/,
    /:13:42: a test must say what it expects/, /:13:55: answer must be a text/, /:13:82: this rule's action is flag, so block can never come/,
    /:19:\d+: the pattern does not compile at character 5: missing closing parenthesis/, /:20:\d+: the pattern does not compile at character 4: range out of order/, /:21:\d+: the pattern .*: it is empty/, /:22:\d+: pattern must be a text/,
    /:23:\d+: the pattern does not compile at character \d+: .*\\C/, /:24:\d+: the pattern does not compile/, /:25:\d+: words must be a list of texts: words: \[/, /:26:\d+: words must be a list/, /:27:\d+: a word without a letter: remove it/,
    /:28:\d+: check must be one of: .*: did you mean 'refusal'\?/, /:29:\d+: at_least must be a number from 0 to 1/, /:30:\d+: there is no field 'modl': did you mean 'model'\?/, /:31:\d+: a field needs a comparison: one of is, /,
    /:32:\d+: rate must be a map: rate: \{of: /, /:33:\d+: a condition must be a map|:33:\d+: a condition is one of/, /:34:\d+: any wants a list of conditions/, /:35:\d+: .*here are 2: join them with all: or any:/, /:36:\d+: a condition must be a map/,
    /:37:\d+: enabled must be true or false/, /:37:\d+: tests must be a list/, /:37:\d+: message must be a text/, /:37:\d+: status must be one of/, /:38:5: the id 'c' is there twice: it stands already at a.yaml:37: rename one/)
})

test('rules: references that are missing, go in a circle, double or never end', t => {
  const chain = (n, of, last) => 'rules:\n' + Array.from({ length: n }, (_, i) => `  - {id: r${i}, on: answer, when: ${of(i)}, action: flag}\n`).join('') + `  - {id: r${n}, on: answer, when: {words: [${last}]}, action: flag}\n`
  const b = bench(t, { missing: rule('when: {rule: nowhere}'), near: rule('when: {rule: smalll}') + rule('when: {words: [x]}', 'small').slice(7), circle: rule('when: {not: {rule: b}}', 'a') + rule('when: {any: [{rule: a}]}', 'b').slice(7),
    self: rule('when: {rule: r}'), doubling: chain(40, i => `{any: [{rule: r${i + 1}}, {rule: r${i + 1}}]}`, 'x'), long: chain(200, i => `{not: {rule: r${i + 1}}}`, 'x'), fine: chain(20, i => `{not: {rule: r${i + 1}}}`, 'x') })
  b.refused(['rules', 'test', 'missing'], /missing:2:\d+: there is no rule 'nowhere'/)
  b.refused(['rules', 'test', 'near'], /near:2:\d+: there is no rule 'smalll': did you mean 'small'\?/)
  b.refused(['rules', 'test', 'circle'], /circle:\d:\d+: rules refer to each other in a circle: let one of them stand on its own/)
  b.refused(['rules', 'test', 'self'], /self:2:\d+: rules refer to each other in a circle/)
  b.refused(['rules', 'test', 'doubling'], /doubling:\d+:\d+: rules refer to rules so often that this one asks more than 10000 conditions: let some/)
  b.refused(['rules', 'test', 'long'], /long:\d+:\d+: rules refer to each other too deeply: let some/)
  assert.equal(b.run(['rules', 'test', 'fine']).code, 0)
})

test('rules: files, folders and sizes', t => {
  const b = bench(t, { 'two/a.yaml': rule('when: {words: [x]}', 'same'), 'two/b.yaml': rule('when: {words: [x]}', 'same'), 'none/readme.txt': '', 'bin.yaml': Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2]), 'empty.yaml': '',
    'many.yaml': 'rules:\n' + Array.from({ length: 5000 }, (_, i) => `  - {id: r${i}, on: answer, when: {words: [x]}, action: flag}\n`).join(''), 'deep.yaml': rule('when: ' + '{not: '.repeat(60) + '{words: [x]}' + '}'.repeat(60)),
    'large.yaml': rule(`when: {pattern: '${'a|'.repeat(300000)}b'}`), 'words.yaml': rule(`when: {words: [${Array.from({ length: 100000 }, (_, i) => 'w' + i)}]}`), 'yml/x.yml': rule('when: {words: [x]}') })
  b.refused(['rules', 'test', 'two'], /two\/b.yaml:2:5: the id 'same' is there twice: it stands already at two\/a.yaml:2: rename one/)
  b.refused(['rules', 'test', 'nowhere'], /nowhere: cannot be opened: No such file/)
  b.refused(['rules', 'test', 'bin.yaml'], /bin.yaml:1:1: not YAML: this is a program/)
  b.refused(['rules', 'test', 'many.yaml'], /5000 rules; 4096 is the most/)
  b.refused(['rules', 'test', 'deep.yaml'], /deep.yaml:2:\d+: nested too deeply/)
  b.refused(['rules', 'test', 'large.yaml'], /large.yaml:2:\d+: the pattern .* longer than 64 KB/)
  b.refused(['rules', 'test', 'words.yaml'], /words.yaml:2:\d+: too many words in one list/)
  for (const folder of ['none', 'yml']) {
    const r = b.run(['rules', 'list', folder])
    assert.match(r.err, new RegExp(`vigie: ${folder}: warning: there is no rule file in this folder: rule files end in .yaml`))
  }
  assert.match(b.run(['rules', 'test', 'empty.yaml']).err, /vigie: empty.yaml:1:1: warning: there is no rule in this file/)
})

test('rules: a test that fails says which, and is the answer no', t => {
  const b = bench(t, { 'a.yaml': rule('when: {words: [x]}, tests: [{answer: y, expect: flag}, {answer: x, expect: flag}, {answer: x, expect: allow}]') })
  const r = b.run(['rules', 'test', 'a.yaml'])
  assert.equal(r.code, 1, r.said)
  assert.match(r.out, /a.yaml:2:\d+: r: expected flag, got allow: y\n/)
  assert.match(r.out, /1 rules, 3 tests, 2 failed\n/)
  const json = JSON.parse(b.run(['rules', 'test', '--json', 'a.yaml']).out)
  assert.deepEqual([json.failed, json.results.map(x => x.passed)], [2, [false, true, false]])
  // What a test's text holds cannot steer the terminal.
  b.write('esc.yaml', rule('when: {words: [x]}, tests: [{answer: "\\e]0;owned\\a y", expect: flag}]'))
  assert.ok(!/[\u001b\u0007]/.test(b.run(['rules', 'test', 'esc.yaml']).out))
  const tried = b.run(['rules', 'try', 'r', 'so x \u001b[31m', 'a.yaml'])
  assert.match(tried.out, /r: flag\n {2}bytes 3 to 4: 'x'/)
  assert.ok(!tried.out.includes('\u001b'))
})

// ---- scan ----

test('scan: what a file may be instead of exchanges', t => {
  const b = bench(t, { empty: '', blank: '\n\r\n  \n', gz: zlib.gzipSync('{"prompt": "x"}\n'), noise: Buffer.from(Array.from({ length: 90000 }, (_, i) => (i * 7919 + (i >> 8)) & 255)), deep: '['.repeat(100000) + '\n', csv: 'prompt,response\na,b\n',
    array: '[{"prompt": "x"},\n{"prompt": "y"}]\n', pretty: '{\n  "prompt": "x"\n}\n', utf16: Buffer.from('\ufeff{"prompt": "x"}\n', 'utf16le') })
  b.refused(['scan', 'nothere'], /nothere: cannot be opened: No such file/)
  b.refused(['scan', '.'], /\.: cannot be read: Is a directory: name a file of JSON Lines/)
  b.refused(['scan', 'gz'], /gz: this is a gzip file \(unpack it first: gzip -dc\)/)
  b.refused(['scan', 'utf16'], /utf16: this is UTF-16 text \(save it as UTF-8\)/)
  b.refused(['scan', 'deep'], /deep:1:257: nested too deeply: each line is one JSON object/)
  b.refused(['scan', 'csv'], /csv:1:1: not a JSON value: each line is one JSON object/)
  b.refused(['scan', 'array'], /array:1:18: /, /array:2:\d+: /)
  b.refused(['scan', 'pretty'], /pretty:1:2: the text ends within a value/)
  const noise = b.refused(['scan', 'noise'], /noise:\d+:\d+: /, /noise: \d+ more lines are not of the form: mend these first/)
  assert.ok(noise.lines.length <= 202)
  for (const file of ['empty', 'blank']) {
    const r = b.run(['scan', file])
    assert.deepEqual([r.code, r.out], [0, ''])
    assert.match(r.err, new RegExp(`vigie: ${file}: warning: no line holds an exchange: nothing was scanned`))
  }
  b.refused(['scan', '--rules', 'nowhere', 'empty'], /nowhere: cannot be opened/)
  b.refused(['scan', '--scope', 'nowhere', 'empty'], /nowhere: cannot be read/)
  b.write('scope.json', '{"name": 5, "intents": {"a": [5, ""], "b": []}, "outt": 1, "false_alarms": 9}')
  b.refused(['scan', '--scope', 'scope.json', 'empty'], /scope.json:1:10: name must be a text/, /scope.json:1:\d+: an example must be a text/, /an example is empty/, /examples must be a list that is not empty/, /unknown key 'outt' in a scope: did you mean 'out'\?/, /false_alarms must be a number from/)
})

test('scan: each field of the wrong type is named with its line and column, and the other lines go on', t => {
  const lines = [
    ['{"prompt":5}', /:1:11: prompt must be a text, not a number: a conversation goes in as recorded/],
    ['{"prompt":[{"role":"user"}]}', /:2:11: prompt must be a text, not a list/],
    ['{"response":true}', /:3:13: response must be a text, or a list of texts \(the choices\), not true/],
    ['{"response":["a",5]}', /:4:18: response must be a list of texts .* not a number/],
    ['{"context":"x"}', /:5:1: neither prompt nor response: one of them must be there/],
    ['{"prompt":"x","tools":5}', /:6:23: tools must be a list of tools, not a number/],
    ['{"prompt":"x","tool_calls":5}', /:7:28: tool_calls must be a list of calls, not a number/],
    ['{"prompt":"x","context":[5]}', /:8:26: context must be a list of texts or documents, not a number/],
    ['{"prompt":"x","instructions":{}}', /:9:30: instructions must be a text, not an object/],
    ['{"prompt":"x","model":5}', /:10:23: model must be a text/],
    ['{"prompt":"x","at":"soon"}', /:11:20: at is no time: write 2026/],
    ['{"prompt":"x","meta":5}', /:12:22: meta must be an object/],
    ['{"prompt":"x","id":{}}', /:13:20: id must be a text or a number, not an object/],
    ['{"promptt":"x"}', /:14:1: neither prompt nor response: did you mean "prompt"\?/],
    ['[]', /:15:1: not an object/],
    ['{"prompt":"x"}}', /:16:15: something follows the object/],
    ['{"prompt":"x"', /:17:14: the text ends within a value/],
    ['{"prompt":"x","prompt":"y"}', /:18:15: the key "prompt" is there twice: keep one/],
    ['{"prompt":"\\u12"}', /:19:12: \\u wants four hexadecimal digits/],
    ['{"api":"openai-chat"}', /:20:1: neither request nor answer/],
    ['{"api":"opnai","request":{}}', /:21:8: the api 'opnai' is not known: did you mean 'openai'\?/],
    ['{"request":{}}', /:22:1: a recorded exchange without api: for example "api"/],
    ['{"prompt":"x","answer":"y"}', /:23:1: a recorded exchange without api: name the api, or call the answer "response"/],
    ['{"api":5,"request":{}}', /:24:8: api must be a text/],
    ['{"api":"openai-chat","request":5}', /:25:32: request must be the request's body/],
    ['{"api":"openai-chat","answer":5}', /:26:31: answer must be the answer's body/],
  ]
  const good = '{"id":"good","prompt":"hello","response":"hi"}'
  const b = bench(t, { 'x.jsonl': lines.map(l => l[0]).join('\n') + '\n' + good + '\r\n' + good })
  const r = b.refused(['scan', 'x.jsonl'], { some_out: true }, ...lines.map(l => l[1]))
  assert.equal(r.lines.length, lines.length, r.said)
  const out = r.out.trim().split('\n').map(JSON.parse)
  assert.deepEqual(out.map(x => x.id), ['good', 'good'])
})

test('scan: odd bytes are read, never crash, and what is printed is JSON', t => {
  const lines = [Buffer.from('\ufeff{"id":"bom","prompt":"a"}'), Buffer.from('{"id":NaN,"prompt":"a"}'), Buffer.from('{"id":01,"prompt":"a"}'), Buffer.from('{"id":"\\ud800\\udc00\\udfff\\u0000","prompt":"\\ud83d"}'),
    Buffer.from('{"id":"\xff\xfe","prompt":"\xc3(\x80 key AKIAIOSFODNN7EXAMPLE"}', 'latin1'), Buffer.from('{"id":"nul","prompt":"a\0b"}'), Buffer.from('{"id":1e999,"response":"x"}'), Buffer.from('{"id":123456789012345678901234567890,"response":[]}'),
    Buffer.from(`{"id":"e","response":${JSON.stringify('e\u0301'.repeat(3000) + '\u200b'.repeat(3000))}}`), Buffer.from('{"id":"deep","prompt":"x","context":' + '['.repeat(200) + ']'.repeat(200) + '}')]
  const b = bench(t, { 'x.jsonl': Buffer.concat(lines.flatMap(l => [l, Buffer.from('\n')])) })
  const r = b.run(['scan', 'x.jsonl'])
  assert.deepEqual([r.code, r.err], [0, ''], r.said)
  const out = r.out.trim().split('\n').map(l => JSON.parse(l))
  assert.equal(out.length, lines.length)
  assert.deepEqual([out[0].id, out[1].id, out[2].id], ['bom', 'NaN', '01'])
})

test('scan: a line of 100 MB is skipped and said, the lines around it are judged', t => {
  const b = bench(t)
  const fd = fs.openSync(path.join(b.dir, 'long'), 'w'), block = Buffer.alloc(1 << 20, 120)
  fs.writeSync(fd, '{"id":"before","prompt":"a"}\n{"prompt":"')
  for (let i = 0; i < 100; i++) fs.writeSync(fd, block)
  fs.writeSync(fd, '"}\n{"id":"after","prompt":"b"}')
  fs.closeSync(fd)
  const r = b.refused(['scan', 'long'], { some_out: true }, /long:2:67108865: a line that is too long is skipped: 64 MB is the most/)
  assert.deepEqual(r.out.trim().split('\n').map(l => JSON.parse(l).id), ['before', 'after'])
})

test('scan: all forms; several files and standard input; rules of one\'s own; --fail-on', t => {
  const request = { model: 'm', messages: [{ role: 'user', content: 'Say MAGENTA please' }] }
  const chunk = (i, text) => `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', model: 'm', choices: [{ index: i, delta: { content: text }, finish_reason: null }] })}\n\n`
  const lines = [
    { id: 'plain', prompt: 'p', response: 'The colour is MAGENTA, I said é MAGENTA.' },
    { id: 'choices', prompt: 'p', response: ['none', 'é MAGENTA'] },
    { id: 'documents', prompt: 'p', response: 'x', context: ['none', { text: 'y' }, { title: 't', page_content: 'z' }], tools: [{ type: 'function', function: { name: 'f' } }, 'g'], instructions: 'i', at: '2026-01-01', meta: { route: 'r', other: 1 }, label: 3 },
    { id: 'calls', prompt: 'p', response: null, tool_calls: [{ function: { name: 'f', arguments: '{"colour":"MAGENTA"}' } }, { name: 'g', input: { a: 1 } }] },
    { id: 'object', api: 'openai-chat', request, answer: completion('It is MAGENTA.') },
    { id: 'text', api: 'openai', request: JSON.stringify(request), answer: JSON.stringify(completion('It is MAGENTA.')) },
    { id: 'stream', api: 'openai-chat', request, answer: chunk(0, 'It is MAG') + chunk(0, 'ENTA.') + 'data: [DONE]\n\n' },
    { id: 'request alone', api: 'openai-chat', request },
    { id: 'family', api: 'anthropic', path: '/v1/messages', request: { model: 'm', messages: [{ role: 'user', content: 'q' }] }, answer: { content: [{ type: 'text', text: 'MAGENTA' }] } },
    { id: 'garbage', api: 'openai-chat', request: 'not json', answer: 'data: {' },
  ]
  const b = bench(t, { 'x.jsonl': lines.map(JSON.stringify).join('\n'), 'r.yaml': rule("when: {pattern: 'MAGENTA'}, message: no magenta", 'magenta'), 'clean.jsonl': '{"prompt":"p","response":"fine"}\n' })
  const r = b.run(['scan', '--rules', 'r.yaml', 'x.jsonl'])
  assert.deepEqual([r.code, r.err], [0, ''], r.said)
  const out = Object.fromEntries(r.out.trim().split('\n').map(JSON.parse).map(x => [x.id, x]))
  assert.deepEqual(Object.keys(out), lines.map(l => l.id))
  for (const id of ['plain', 'choices', 'calls', 'object', 'text', 'stream', 'family']) assert.deepEqual([id, out[id].verdict, out[id].rule], [id, 'flag', 'magenta'])
  for (const id of ['documents', 'request alone']) assert.deepEqual([id, out[id].verdict], [id, 'allow'])
  assert.ok(out.garbage.unread, 'what could not be read is told, not passed')
  const plain = out.plain.findings, text = Buffer.from(lines[0].response)
  assert.equal(plain.length, 2)
  for (const f of plain) assert.deepEqual([f.on, text.subarray(f.start, f.end).toString(), f.text, f.message], ['response', 'MAGENTA', 'MAGENTA', 'no magenta'])
  assert.deepEqual([out.choices.findings[0].choice, out.choices.findings[0].start], [1, 3])
  assert.equal(out.calls.findings[0].on, 'tool_calls')
  for (const x of Object.values(out)) assert.deepEqual(Object.keys(x.scores), ['refusal', 'scope', 'grounding', 'pattern', 'injection', 'secrets', 'pii'])
  for (const x of Object.values(out)) for (const s of Object.values(x.scores)) assert.ok(s >= 0 && s <= 1)
  // the same from standard input, beside a file
  const both = b.run(['scan', '--rules', 'r.yaml', 'clean.jsonl', '-'], { input: JSON.stringify(lines[0]) })
  assert.deepEqual([both.code, both.out.trim().split('\n').map(l => JSON.parse(l).verdict)], [0, ['allow', 'flag']])
  assert.equal(b.run(['scan', '--rules', 'r.yaml', '--fail-on', 'flag', 'x.jsonl']).code, 1)
  assert.equal(b.run(['scan', '--rules', 'r.yaml', '--fail-on', 'block', 'x.jsonl']).code, 0)
  assert.equal(b.run(['scan', '--rules', 'r.yaml', '--fail-on', 'flag', 'clean.jsonl']).code, 0)
  b.refused(['scan', '--rules', 'r.yaml', 'nothere', 'clean.jsonl', 'neither'], { some_out: true }, /nothere: cannot be opened/, /neither: cannot be opened/)
  b.refused(['scan', '-'], { input: '{"prompt":5}' }, /standard input:1:11: prompt must be a text/)
})

// ---- drift ----

const numbers = n => Array.from({ length: n }, (_, i) => Math.sin(i * 12.9898) * 43758.5453 % 1)
const csv = (between, comma, header = ['x', 'y']) => header.join(between) + '\n' + numbers(60).map((v, i) => String(v).replace('.', comma) + between + 'abc'[i % 3] + '\n').join('')

test('drift: files that cannot be compared say why', t => {
  const b = bench(t, { ok: csv(',', '.'), empty: '', blank: '\n\n', head: 'x,y\n', ragged: 'x,y\n1,2\n1\n1,2,3\n"a""b",2\n"open,3\n', quote: 'x,y\n"1"z,2\n', twice: 'x,x,y\n1,2,3\n', unnamed: ',,\n1,2,3\n',
    gz: zlib.gzipSync('x\n1\n'), noise: Buffer.from(Array.from({ length: 9000 }, (_, i) => (i * 7919) & 255)), wide: Array.from({ length: 2000 }, (_, i) => 'c' + i) + '\n1\n', parquet: 'PAR1xxxx', deep: '{"prompt":' + '['.repeat(9999),
    types: ['{"prompt":5}', '{"response":{"a":1}}', '{"prompt":["a",5]}', '{"score":"x"}', '{"features":[1]}', '{"features":{"a":1},"at":"never"}', '[1]', '{"a":1}', '{"prompt":"x"} x', '{"prompt":"x"', '{"features":{}}', '{"prompt":null}', '{"label":[1]}'].join('\n') })
  const cases = [['nothere', /nothere: No such file or directory: give a file of JSON Lines, or CSV/], ['.', /\.: Is a directory/], ['empty', /empty:1:1: the file is empty: give JSON Lines or CSV with a header/], ['blank', /blank:1:1: the file is empty/],
    ['head', /head:1:1: a header and nothing else: put rows below it/], ['ragged', /ragged:3:1: 1 cells where the header has 2/, /ragged:4:1: 3 cells/, /ragged:6:1: a quoted cell that does not end: close the quote/],
    ['quote', /quote:2:1: text after a closing quote: double a quote/], ['twice', /twice:1:1: column 'x' twice in the header: give each column its own name/], ['unnamed', /unnamed:1:1: no column has a name: begin with a line of names/],
    ['gz', /gz:1:1: this is a gzip file/], ['noise', /noise:1:1: binary bytes, no text/], ['wide', /wide:1:1: more than 1024 columns/], ['parquet', /parquet:1:1: this is a Parquet file \(turn it into CSV/], ['deep', /deep:1:\d+: nested too deeply/],
    ['types', /types:1:11: prompt must be a text, or a list of texts/, /types:2:13: response must be a text/, /types:3:16: prompt must be a list of texts alone/, /types:4:10: score must be a number, true, false or null/, /types:5:13: features must be an object/,
      /types:6:26: at must be a time: write 2026/, /types:7:1: not a JSON object/, /types:8:1: nothing to compare in this line: give "prompt"/, /types:9:16: something follows/, /types:10:14: the text ends/, /types:11:1: nothing/, /types:12:1: nothing/, /types:13:10: label must be a number/]]
  for (const [file, ...wanted] of cases) {
    b.refused(['drift', 'ok', file], ...wanted)
    b.refused(['drift', file, 'ok'], ...wanted)
    b.refused(['drift', '--stream', file, '--warmup', '20'], ...wanted)
  }
  b.refused(['drift', 'types', 'ragged'], /types:1:/, /ragged:3:/)
  b.refused(['drift', '-', 'ok'], /\(standard input\):1:1: the file is empty/)
  b.refused(['drift', '--stream', 'ok', '--warmup', '60'], /--warmup must be at least 10 and less than the 60 lines of ok/)
  b.refused(['drift', '--stream', 'ok', '--warmup', '9'], /--warmup must be at least 10/)
})

test('drift: spreadsheets of other countries and systems are the same sample', t => {
  const b = bench(t, { ok: csv(',', '.'), semicolon: csv(';', ','), tab: csv('\t', '.'), bar: csv('|', '.'), crlf: '\ufeff' + csv(',', '.').replaceAll('\n', '\r\n'), last: csv(',', '.').trimEnd(),
    quoted: csv(',', '.').replace(/[^,\n]+/g, '"$&"'), index: csv(',', '.').split('\n').filter(Boolean).map((l, i) => (i ? i - 1 : '') + ',' + l).join('\n') })
  for (const file of ['semicolon', 'tab', 'bar', 'crlf', 'last', 'quoted', 'index']) {
    const r = b.run(['drift', 'ok', file]), out = JSON.parse(r.out)
    assert.deepEqual([file, r.code, out.drift, out.p], [file, 0, false, 1], r.said)
    assert.deepEqual(out.schema, [], file)
    if (file === 'index') assert.match(r.err, /index:1:1: warning: column 1 has no name: it is left out: give it a name/)
    else assert.equal(r.err, '', file)
  }
})

test('drift: too little, nothing, and other columns', t => {
  const b = bench(t, { ok: csv(',', '.'), one: 'x,y\n1,a\n', none: 'x,y\n' + ',\n'.repeat(40), odd: 'x,y\n' + 'NaN,-Infinity\ninf,nan\n'.repeat(20), other: csv(',', '.', ['u', 'v']), text: '{"prompt":"hello"}\n'.repeat(40), huge: 'x\n' + '1e999\n1e308\n-1e308\n'.repeat(20),
    many: '{"response":[' + '"x",'.repeat(400000) + '"x"]}\n' })
  const one = JSON.parse(b.run(['drift', 'one', 'one']).out)
  assert.deepEqual([one.drift, one.p], [false, 1])
  assert.match(one.what, /cannot tell yet: 1 and 1 observations, at least 10/)
  assert.equal(JSON.parse(b.run(['drift', 'none', 'none']).out).drift, false)
  for (const [file, change] of [['none', /always empty/], ['odd', /always empty/]]) {
    const r = b.run(['drift', 'ok', file]), out = JSON.parse(r.out)
    assert.deepEqual([file, r.code, out.drift], [file, 1, true])
    assert.deepEqual(out.schema.map(x => x.feature).sort(), ['x', 'y'])
    for (const x of out.schema) assert.match(x.change, change)
  }
  for (const [file, changes] of [['other', ['u new', 'v new', 'x missing', 'y missing']], ['text', ['x missing', 'y missing']]]) {
    const r = b.run(['drift', 'ok', file]), out = JSON.parse(r.out)
    assert.deepEqual([file, r.code, out.drift], [file, 1, true])
    assert.deepEqual(out.schema.map(x => `${x.feature} ${x.change.split(':')[0]}`).sort(), changes, r.out)
  }
  assert.ok([0, 1].includes(b.run(['drift', 'huge', 'huge']).code))
  assert.equal(JSON.parse(b.run(['drift', 'many', 'many']).out).drift, false)
})

// ---- records, verify, report ----

test('a data folder that is missing, empty, foreign, a file or tampered with', async t => {
  const b = bench(t, { file: 'x', 'foreign/journal/0000000001.seg': Buffer.alloc(5000, 7), 'empty/.keep': '' })
  for (const v of ['records', 'verify', 'report']) {
    for (const dir of ['nowhere', 'empty', '/etc']) b.refused([v, '--data', dir], new RegExp(`${dir}: there are no records here: is this the folder that data: names in the config\\?`))
    b.refused([v, '--data', 'file'], /file: (the records cannot be read|there are no records here): Not a directory: is this the folder/)
    b.refused([v], /vigie.yaml: cannot be opened: No such file/)
    b.refused([v, '-c', 'empty/.keep'], /.keep:1:1: the config is empty/)
  }
  const foreign = b.run(['verify', '--data', 'foreign'])
  assert.equal(foreign.code, 1)
  assert.match(foreign.out, /bad: record 1: foreign\/journal\/0000000001.seg, byte 0: not a segment/)
  b.refused(['records', '--data', 'foreign'], { some_out: true }, /foreign: the index cannot be opened: .*vigie records --rebuild makes/)
  b.refused(['report', '--data', 'foreign'], /foreign: the index cannot be opened/)

  const s = await stage(t)
  const up = await s.upstream(c => c.json(completion('the answer')))
  const v = await s.vigie({ routes: [{ mount: '/openai', upstream: up.url, api: 'openai' }] })
  for (let i = 0; i < 3; i++) await (await v.fetch('/openai/v1/chat/completions', chat(`question ${i}`))).text()
  assert.equal(v.records().length, 3)
  // beside a running one: a second is refused, reading is not
  fs.writeFileSync(path.join(v.dir, 'second.yaml'), 'listen: 127.0.0.1:0\nadmin: {listen: 127.0.0.1:0}\ndata: data\n' + route)
  const second = v.run('serve', '-c', 'second.yaml')
  assert.equal(second.code, 2)
  assert.match(second.err, /vigie: data: another vigie, process \d+ uses this data folder: stop it, or give this one a data folder of its own/)
  assert.match(v.run('records', '--data', 'data', '--rebuild').err, /vigie: data: a running vigie uses this data folder: stop vigie serve first/)
  assert.equal(v.run('verify', '--data', 'data').code, 0)
  await v.stop()

  const ask = (...words) => { const r = spawnSync(binary, words, { cwd: v.dir, encoding: 'utf8' }); return { ...r, code: r.status } }
  for (const text of ['"', '*', 'a OR', 'NEAR(', "'; DROP TABLE", '-x', 'question AND NOT 1']) assert.equal(ask('records', '--data', 'data', `--text=${text}`).code, 0, text)
  assert.equal(ask('records', '--data', 'data', '--text', 'question', '--json').stdout.trim().split('\n').length, 3)
  const nobody = ask('records', '--data', 'data', '--route', 'nowhere')
  assert.deepEqual([nobody.code, /no record matches/.test(nobody.stderr)], [0, true])
  for (const id of ['x', '', "'", 'Z'.repeat(26), 'x'.repeat(9999)].filter(Boolean)) {
    const r = ask('records', '--data', 'data', '--id', id)
    assert.deepEqual([r.code, r.stdout], [2, ''])
    assert.match(r.stderr, /there is no record .*: vigie records lists ids/)
  }
  for (const [end, what] of [['x', /names no record: a record's number, its id, or a time/], ['Z'.repeat(26), /there is no such record: vigie records lists/]])
    for (const o of ['--from', '--to']) assert.match(ask('verify', '--data', 'data', o, end).stderr, what)
  const beyond = ask('verify', '--data', 'data', '--from', '99')
  assert.equal(beyond.code, 2)
  assert.match(beyond.stderr, /there is no such record .*journal ends at record 3/)
  const head = ask('verify', '--data', 'data', '--head', '0'.repeat(64))
  assert.deepEqual([head.code, /the head that was kept is not in it/.test(head.stdout)], [1, true])
  assert.equal(JSON.parse(ask('verify', '--data', 'data', '--json', '--head', '0'.repeat(64)).stdout).good, false)

  // stdout and --out that cannot take a report; what stood there stays
  for (const words of [['records', '--data', 'data', '--json'], ['records', '--data', 'data'], ['verify', '--data', 'data'], ['verify', '--data', 'data', '--json'], ['report', '--data', 'data'], ['report', '--data', 'data', '--csv']])
    for (const [to, what] of [['>/dev/full', /No space left on device|disk full/], ['>&-', /standard output is closed/]]) {
      const r = spawnSync('/bin/bash', ['-c', `"$0" "$@" ${to}`, binary, ...words], { cwd: v.dir, encoding: 'utf8' })
      assert.deepEqual([words.join(' '), to, r.status, what.test(r.stderr)], [words.join(' '), to, 2, true], r.stderr)
    }
  fs.writeFileSync(path.join(v.dir, 'old.html'), 'the old one')
  const bad = ask('report', '--data', 'nowhere', '--out', 'old.html')
  assert.equal(bad.code, 2)
  assert.equal(fs.readFileSync(path.join(v.dir, 'old.html'), 'utf8'), 'the old one')
  assert.match(ask('report', '--data', 'data', '--out', 'no/such/x.html').stderr, /no\/such\/x.html: cannot be written: No such file or directory: name a file that may be written/)
  assert.match(ask('report', '--data', 'data', '--out', '/dev/full').stderr, /\/dev\/full: cannot be written whole: No space left on device: is the disk full\?/)
  assert.match(ask('report', '--data', 'data', '--out', '.').stderr, /\.: cannot be written/)
  assert.equal(ask('report', '--data', 'data', '--out', 'old.html').code, 0)
  assert.match(fs.readFileSync(path.join(v.dir, 'old.html'), 'utf8'), /^<!doctype html>/i)
  assert.ok(!fs.existsSync(path.join(v.dir, 'old.html.part')))

  // an index that is no database is made anew from the journal
  for (const f of fs.readdirSync(path.join(v.dir, 'data')).filter(f => f.startsWith('index.sqlite'))) fs.writeFileSync(path.join(v.dir, 'data', f), 'no database at all '.repeat(100))
  const healed = ask('records', '--data', 'data', '--json')
  assert.deepEqual([healed.code, healed.stdout.trim().split('\n').length], [0, 3], healed.stderr)
  // one bit of the journal: verify says no, which and where
  const journal = path.join(v.dir, 'data/journal/0000000001.seg'), bytes = fs.readFileSync(journal)
  bytes[600] ^= 1
  fs.writeFileSync(journal, bytes)
  const tampered = ask('verify', '--data', 'data')
  assert.equal(tampered.code, 1)
  assert.match(tampered.stdout, /^bad: record \d+.*: .*0000000001.seg.*byte \d+.*\n/)
  const json = JSON.parse(ask('verify', '--data', 'data', '--json').stdout)
  assert.deepEqual([json.good, typeof json.bad_seq, typeof json.where, typeof json.what], [false, 'number', 'string', 'string'])
  fs.writeFileSync(journal, bytes.subarray(0, 200))
  assert.equal(ask('verify', '--data', 'data').code, 1, 'a cut segment')
})

test('records go back through scan as they were recorded', async t => {
  const s = await stage(t)
  const up = await s.upstream(async c => c.json_body.stream ? c.openai('It is MAG', 'ENTA.') : c.json(completion('It is MAGENTA.')))
  const v = await s.vigie({ routes: [{ mount: '/openai', upstream: up.url, api: 'openai' }] })
  await (await v.fetch('/openai/v1/chat/completions', chat('colour?'))).text()
  await (await v.fetch('/openai/v1/chat/completions', chat('colour?', { stream: true }))).text()
  const exported = await until('both are indexed', () => { const r = v.run('records', '-c', 'vigie.yaml', '--json', '--bodies'); return r.out.trim().split('\n').length === 2 && r.out })
  const b = bench(t, { 'r.yaml': rule("when: {pattern: 'MAGENTA'}", 'magenta') })
  const r = b.run(['scan', '--rules', 'r.yaml', '-'], { input: exported })
  assert.deepEqual([r.code, r.err], [0, ''], r.said)
  const ids = exported.trim().split('\n').map(l => JSON.parse(l).id)
  assert.deepEqual(r.out.trim().split('\n').map(JSON.parse).map(x => [x.id, x.verdict, x.findings.length]), ids.map(id => [id, 'flag', 1]))
})

// ---- serve, demo ----

test('serve: ports in use, folders that cannot be written, addresses that are not here', async t => {
  const taken = net.createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.after(() => taken.close())
  const port = taken.address().port
  const config = (listen, admin, data) => `listen: ${listen}\nadmin: {listen: ${admin}}\ndata: ${data}\n${route}`
  const b = bench(t, { listen: config(`127.0.0.1:${port}`, '127.0.0.1:0', 'd1'), admin: config('127.0.0.1:0', `127.0.0.1:${port}`, 'd2'), elsewhere: config('203.0.113.7:0', '127.0.0.1:0', 'd3'), unknown: config('no-such-host.invalid:8080', '127.0.0.1:0', 'd4'),
    file: config('127.0.0.1:0', '127.0.0.1:0', 'afile'), afile: 'x', proc: config('127.0.0.1:0', '127.0.0.1:0', '/proc/vigie'), own: config('127.0.0.1:0', '127.0.0.1:0', 'd5') + 'token: x\n', open: config('127.0.0.1:0', '0.0.0.0:0', 'd6') })
  b.refused(['serve', '-c', 'listen'], new RegExp(`cannot listen on 127.0.0.1:${port}: Address already in use: is another process using it\\?`))
  b.refused(['serve', '-c', 'admin'], new RegExp(`admin surface cannot listen on 127.0.0.1:${port}: Address already in use: .*admin.listen`))
  b.refused(['serve', '-c', 'elsewhere'], /cannot listen on 203.0.113.7:0: Cannot assign requested address/)
  b.refused(['serve', '-c', 'unknown'], /cannot listen on no-such-host.invalid:8080: /)
  b.refused(['serve', '-c', 'file'], /afile.*: Not a directory: check that the folder may be written/)
  b.refused(['serve', '-c', 'proc'], /\/proc\/vigie.*cannot be made.*: check that the folder may be written/)
  b.refused(['serve', '-c', 'own'], /own:\d+:1: unknown key 'token' in the config/)
  b.refused(['serve', '-c', 'open'], /open:2:\d+: the admin port is open beyond this machine and has no token/)
  if (isRoot) {
    b.write('ro.yaml', config('127.0.0.1:0', '127.0.0.1:0', 'sealed/data'))
    fs.mkdirSync(path.join(b.dir, 'sealed'), 0o500)
    fs.chmodSync(b.dir, 0o755)
    if (!spawnSync(binary, ['version'], { uid: 65534, gid: 65534 }).error) b.refused(['serve', '-c', 'ro.yaml'], { uid: 65534, gid: 65534 }, /sealed\/data.*Permission denied: check that the folder may be written/)
  }
})

test('demo: nobody\'s files are touched, and a port in use is said', async t => {
  const taken = net.createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.after(() => taken.close())
  const b = bench(t, { 'mine/vigie.yaml': route, afile: 'x', 'tmp/.keep': '' })
  b.refused(['demo', '--folder', 'mine'], /mine\/vigie.yaml is there already and is not the demo's: name another folder/)
  assert.equal(fs.readFileSync(path.join(b.dir, 'mine/vigie.yaml'), 'utf8'), route)
  b.refused(['demo', '--folder', 'afile'], /cannot write into afile: Not a directory|cannot make afile/)
  b.refused(['demo', '--folder', '/proc/vigie'], /cannot make \/proc\/vigie: /)
  b.refused(['demo', '--folder', 'x'.repeat(2000)], /--folder is longer than 1024 bytes: name a shorter path/)
  b.refused(['demo', '--port', String(taken.address().port), '--admin-port', '0', '--rate', '0'], { env: { TMPDIR: path.join(b.dir, 'tmp') } }, /cannot listen on 127.0.0.1:\d+: Address already in use/, /demo: it could not start: a port in use\?/)
  assert.deepEqual(fs.readdirSync(path.join(b.dir, 'tmp')), ['.keep'], 'the temporary folder is gone')
  b.refused(['demo'], { env: { TMPDIR: '/nowhere/at/all' } }, /cannot make a folder: No such file or directory: set TMPDIR/)
  // its own folder it takes again
  for (let i = 0; i < 2; i++) {
    const p = spawn(binary, ['demo', '--folder', 'own', '--port', '0', '--admin-port', '0', '--rate', '0'], { cwd: b.dir, stdio: ['ignore', 'pipe', 'pipe'] })
    let out = ''
    p.stdout.on('data', d => { out += d })
    const exit = once(p, 'exit')
    await until('the demo speaks', () => /Ctrl-C ends it/.test(out) || p.exitCode !== null)
    p.kill('SIGTERM')
    assert.deepEqual(await exit, [0, null])
  }
})

test('performance: estimated and realised, in JSON and as a table; each bad argument and line is named', t => {
  const s = bench(t)
  const line = i => { const x = ((i * 7919) % 1000) / 1000; return JSON.stringify({ id: String(i), score: x, prediction: x >= 0.5 ? 1 : 0, label: ((i * 104729) % 997) / 997 < x ? 1 : 0, group: i % 2 ? 'a' : 'b', at: i < 5 ? '2024-13-01T00:00:00Z' : '2024-12-01T00:00:00Z' }) }
  s.write('stream.jsonl', Array.from({ length: 900 }, (_, i) => line(i)).join('\n') + '\n')
  const r = s.run(['performance', '--stream', 'stream.jsonl', '--warmup', '300', '--chunk', '300'])
  assert.equal(r.code, 0, r.err)
  assert.match(r.err, /stream\.jsonl:1:\d+: warning: at: '2024-13-01T00:00:00Z' is no date/)
  const out = JSON.parse(r.out)
  assert.deepEqual(out.chunks.map(c => [c.start, c.end, c.groups.length]), [[300, 600, 2], [600, 900, 2]])
  for (const c of out.chunks) {
    assert.ok(Math.abs(c.estimated.accuracy - 0.75) < 0.03, r.out)
    assert.ok(c.interval.accuracy[0] < c.estimated.accuracy && c.estimated.accuracy < c.interval.accuracy[1])
    assert.ok(c.realised.roc_auc > 0.5)
  }
  assert.match(s.run(['performance', '--stream', 'stream.jsonl', '--warmup', '300', '--chunk', '300', '--text']).out, /300 to 599 .*\n600 to 899/)
  for (const [args, words] of [[['--stream', 'stream.jsonl'], /--warmup is missing/], [['--stream', 'stream.jsonl', '--warmup', '300', '--chunk', '3'], /--chunk '3'/], [['--stream', 'stream.jsonl', '--warmup', '900', '--chunk', '300'], /warm-up is as long/],
    [['--stream', 'none.jsonl', '--warmup', '300', '--chunk', '300'], /none\.jsonl: No such file/], [['--stream', 'stream.jsonl', '--warmup', '20', '--chunk', '300'], /too few labels/]]) {
    s.refused(['performance', ...args], words)
  }
})

test('records, report and verify read while a rule is broken and a key is not set: they need the data folder alone', async t => {
  const s = await stage(t)
  const up = await s.upstream(call => call.json(completion('fine')))
  const v = await s.vigie({ routes: [{ mount: '/a', upstream: up.url, api: 'openai' }] })
  assert.equal((await v.fetch('/a/v1/chat/completions', chat('where is it'))).status, 200)
  v.records()
  const text = more => `data: ${more}\nrules: [broken.yaml]\nroutes:\n  - {mount: /a, upstream: "http://127.0.0.1:1", headers: {set: {x-key: "\${VIGIE_KEY_NOBODY_SET}"}}}\n`
  fs.writeFileSync(path.join(v.dir, 'broken.yaml'), 'rules: [{id: ')
  fs.writeFileSync(path.join(v.dir, 'vigie.yaml'), text('data'))
  assert.equal(v.run('check', '-c', 'vigie.yaml').code, 2)
  for (const [words, said] of [[['records', '--json'], /where is it/], [['report', '--json'], /"exchanges"|\{/], [['verify'], /good: 1 records/]]) {
    const r = v.run(...words)
    assert.equal(r.code, 0, r.err)
    assert.match(r.out, said)
  }
  fs.writeFileSync(path.join(v.dir, 'vigie.yaml'), text('${VIGIE_DATA_NOBODY_SET}'))
  const no = v.run('records')
  assert.equal(no.code, 2)
  assert.match(no.err, /vigie\.yaml:1:.*VIGIE_DATA_NOBODY_SET is not set/)
})
