// SPDX-License-Identifier: Apache-2.0
// What `tests/e2e/run` prints: a line for each test with its time, the error and vigie's log of those that fail, and last the line of counts.
import fs from 'node:fs'
import path from 'node:path'
import { inspect } from 'node:util'

export const log_name = (file, name) => path.basename(file, '.test.mjs') + '.' + name.replace(/[^A-Za-z0-9]+/g, '-').slice(0, 150) + '.log'
const logs = process.env.VIGIE_TEST_LOGS
const indent = text => text.trimEnd().replace(/^/gm, '    ') + '\n'

export default async function * report(events) {
  const counts = {}
  for await (const { type, data } of events) {
    if (type === 'test:pass' || type === 'test:fail') {
      const skipped = data.skip !== undefined && data.skip !== false
      const word = skipped ? 'skip' : type === 'test:pass' ? 'ok' : 'FAIL'
      yield `  ${'  '.repeat(data.nesting)}${word.padEnd(4)} ${path.basename(data.file ?? '', '.test.mjs')}: ${data.name} (${Math.round(data.details?.duration_ms ?? 0)} ms)${skipped && typeof data.skip === 'string' ? ' ' + data.skip : ''}\n`
      if (word !== 'FAIL') continue
      const error = data.details?.error
      yield indent(inspect(error?.cause ?? error, { depth: 4, maxStringLength: 4000, maxArrayLength: 40 }))
      if (logs && data.file) {
        const file = path.join(logs, log_name(data.file, data.name))
        if (fs.existsSync(file)) yield '    vigie\'s log:\n' + indent(fs.readFileSync(file, 'utf8').slice(-6000))
      }
    } else if (type === 'test:stdout' || type === 'test:stderr') yield data.message
    else if (type === 'test:diagnostic') {
      const m = data.message.match(/^(tests|pass|fail|cancelled|skipped|todo) (\d+)$/)
      if (m && data.nesting === 0) counts[m[1]] = Number(m[2])
    }
  }
  const failed = (counts.fail ?? 0) + (counts.cancelled ?? 0), skipped = (counts.skipped ?? 0) + (counts.todo ?? 0)
  yield `${counts.pass ?? 0} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}\n`
}
