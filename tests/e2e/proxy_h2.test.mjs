// SPDX-License-Identifier: Apache-2.0
// What passes, asked by HTTP/2 instead of HTTP/1.1.
process.env.CLIENT = 'h2'
await import('./proxy.test.mjs')
