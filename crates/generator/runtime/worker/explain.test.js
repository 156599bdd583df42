// What the worker of `revisit serve` says on the console.

import assert from 'node:assert/strict'
import test from 'node:test'

import { because, overhear } from './explain.js'

/** @param {Promise<{status: number, type: string}>} answer */
async function said(answer) {
  const lines = []
  const add = (text) => lines.push(text)
  const before = { ...console }
  Object.assign(console, { groupCollapsed: add, debug: add, groupEnd: () => add('end') })
  const event = {
    request: { method: 'GET', url: 'https://site.example/x', destination: '' },
    respondWith: (given) => add(given === answer ? 'answered' : 'another'),
  }
  overhear(event)
  because(event, 'one')
  because(event, 'two')
  event.respondWith(answer)
  await answer.catch(() => {})
  await new Promise(setImmediate)
  Object.assign(console, before)
  return lines
}

test('an answer is said in one line that opens to its reasons', async () => {
  const lines = await said(Promise.resolve({ status: 206, type: 'basic' }))
  assert.deepEqual(lines, ['answered', 'revisit: GET https://site.example/x: 206', 'for fetch', 'one', 'two', 'end'])
})

test('what has no status is said too', async () => {
  const [, opaque] = await said(Promise.resolve({ status: 0, type: 'opaque' }))
  assert.equal(opaque, 'revisit: GET https://site.example/x: opaque')
  const [, none] = await said(Promise.reject(new TypeError('no network')))
  assert.equal(none, 'revisit: GET https://site.example/x: no answer (TypeError: no network)')
})
