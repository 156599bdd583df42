// Which answers give way to a file of the build.

import assert from 'node:assert/strict'
import test from 'node:test'

import { features } from './features.js'
import { instead } from './instead.js'

const URL_ASKED = 'https://site.example/docs/a'
const route = /** @type {any} */ ({ fallback: 'off.html', onFailure: true })

/** @param {any} answer */
const check = (answer, given = route) =>
  instead(given, /** @type {any} */ ({ request: { url: URL_ASKED } }), {
    status: 200,
    redirected: false,
    url: URL_ASKED,
    ...answer,
  })

test('an error status and a redirect to another origin give way, and nothing else does', async () => {
  features.substitute = async (file) => /** @type {any} */ (file)
  for (const status of [400, 404, 410, 500, 599]) assert.equal(await check({ status }), 'off.html', `${status}`)
  for (const status of [200, 304, 399]) assert.equal(await check({ status }), undefined, `${status}`)
  assert.equal(await check({ redirected: true, url: 'https://login.example/' }), 'off.html')
  assert.equal(await check({ redirected: true, url: 'https://site.example/b' }), undefined)
  // what nobody may read, and a redirect that the browser follows by itself, have no status and no URL
  assert.equal(await check({ status: 0, url: '' }), undefined)
})

test('the answer stays where the route does not say so, and where the file cannot be had', async () => {
  features.substitute = async (file) => /** @type {any} */ (file)
  assert.equal(await check({ status: 500 }, { fallback: 'off.html' }), undefined)
  features.substitute = async () => undefined
  assert.equal(await check({ status: 500 }), undefined)
  features.substitute = () => Promise.reject(new Error('no room'))
  assert.equal(await check({ status: 500 }), undefined)
})
