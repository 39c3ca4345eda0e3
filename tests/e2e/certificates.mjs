// SPDX-License-Identifier: Apache-2.0
// Certificates for tests, made on the spot: authority(folder, name) signs, sign(…) makes a leaf. Files are PEM; each call returns their paths.
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'

const openssl = (...words) => execFileSync('openssl', words, { stdio: ['ignore', 'pipe', 'pipe'] })
const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

export function authority(folder, name) {
  const a = { certificate: path.join(folder, `${name}.pem`), key: path.join(folder, `${name}.key`) }
  openssl('req', '-x509', ...key, '-keyout', a.key, '-out', a.certificate, '-days', '30', '-subj', `/CN=${name}`)
  a.pem = fs.readFileSync(a.certificate)
  // file: where it goes; names: DNS names (the first is the common name, unless common says otherwise)
  a.sign = (file, names = [], { common = names[0] ?? '', client = false, days = '30' } = {}) => {
    const leaf = { certificate: path.join(folder, `${file}.pem`), key: path.join(folder, `${file}.key`) }
    const request = path.join(folder, `${file}.csr`), extensions = path.join(folder, `${file}.ext`)
    openssl('req', '-new', ...key, '-keyout', leaf.key, '-out', request, '-subj', common ? `/CN=${common}` : '/O=nobody')
    fs.writeFileSync(extensions, `basicConstraints=CA:FALSE\nextendedKeyUsage=${client ? 'clientAuth' : 'serverAuth'}\n` +
      (names.length ? `subjectAltName=${names.map(n => (n.includes('@') ? 'email:' : 'DNS:') + n).join(',')}\n` : ''))
    openssl('x509', '-req', '-in', request, '-CA', a.certificate, '-CAkey', a.key, '-CAcreateserial', '-days', days, '-extfile', extensions, '-out', leaf.certificate)
    leaf.pem = fs.readFileSync(leaf.certificate)
    leaf.key_pem = fs.readFileSync(leaf.key)
    return leaf
  }
  return a
}
