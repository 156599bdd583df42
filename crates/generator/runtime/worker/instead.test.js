// Which answers give way to a file of the build.

import assert from 'node:assert/strict'
import test from 'node:test'

const URL_ASKED = 'https://site.example/docs/a'
globalThis.self = { registration: { scope: 'https://site.example/' }, location: new URL('https://site.example/sw.js') }

const { features } = await import('./features.js')
const { instead } = await import('./instead.js')

const route = { fallback: 'off.html', onFailure: true }

const check = (answer, given = route, asked = URL_ASKED) =>
  instead(given, { request: { url: asked } }, { status: 200, type: 'basic', redirected: false, url: asked, ...answer })

test('an error status and a redirect to another origin give way, and nothing else does', async () => {
  features.substitute = async (file) => file
  for (const status of [400, 404, 410, 500, 599]) assert.equal(await check({ status }), 'off.html', `${status}`)
  for (const status of [200, 304, 399]) assert.equal(await check({ status }), undefined, `${status}`)
  assert.equal(await check({ redirected: true, url: 'https://login.example/', type: 'cors' }), 'off.html')
  assert.equal(await check({ redirected: true, url: 'https://site.example/b' }), undefined)
  // away and back; and of an image, whose answer nobody may read
  assert.equal(await check({ redirected: true, type: 'cors' }), 'off.html')
  assert.equal(await check({ status: 0, url: '', type: 'opaque' }), 'off.html')
  // a redirect that the browser follows by itself
  assert.equal(await check({ status: 0, url: '', type: 'opaqueredirect' }), undefined)
})

test('of another origin an answer is not away from it, and one that cannot be read tells nothing', async () => {
  features.substitute = async (file) => file
  const asked = 'https://cdn.example/a.png'
  assert.equal(await check({ type: 'cors' }, route, asked), undefined)
  assert.equal(await check({ status: 0, url: '', type: 'opaque' }, route, asked), undefined)
  assert.equal(await check({ type: 'cors', redirected: true, url: 'https://login.example/' }, route, asked), 'off.html')
  assert.equal(await check({ type: 'cors', status: 500 }, route, asked), 'off.html')
})

test('the answer stays where the route does not say so, and where the file cannot be had', async () => {
  const body = new Response('broken').body
  features.substitute = async (file) => file
  assert.equal(await check({ status: 500 }, { fallback: 'off.html' }), undefined)
  features.substitute = async () => undefined
  assert.equal(await check({ status: 500, body }), undefined)
  features.substitute = () => Promise.reject(new Error('no room'))
  assert.equal(await check({ status: 500, body }), undefined)
  assert.equal(await new Response(body).text(), 'broken')
})

test('what gives way is not read to its end', async () => {
  let ended = false
  const body = new ReadableStream({ pull: (to) => to.enqueue(new Uint8Array(9)), cancel: () => void (ended = true) })
  features.substitute = async (file) => file
  assert.equal(await check({ status: 500, body }), 'off.html')
  assert.equal(ended, true)
})
