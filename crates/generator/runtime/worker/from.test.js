// What a route asks of the network and what it keeps an answer under; the whole way of a request is
// tested in Chromium (`tests/worker/routes.rs`).

import assert from 'node:assert/strict'
import test from 'node:test'

const SCOPE = 'https://site.example/'
globalThis.self = { registration: { scope: SCOPE }, location: new URL(SCOPE) }

const { askFor, keyOf } = await import('./from.js')
const { upgraded } = await import('./upgrade.js')
const { features } = await import('./features.js')

/** Answers by `answer`, and notes how each request was made. */
function network(answer) {
  const asked = []
  globalThis.fetch = async (request) => {
    asked.push(`${request.mode} ${request.credentials}`)
    return answer(request)
  }
  return asked
}

const ok = () => new Response('')

test('parameters that change nothing do not count, nor does any with ignore_search', () => {
  const key = (query, route = {}) => keyOf(route, new Request(`${SCOPE}x${query}`)).url.slice(SCOPE.length)
  assert.equal(key('?utm_source=a&b=1&utm_medium=c'), 'x?b=1')
  assert.equal(key('?utm_source=a'), 'x')
  assert.equal(key('?b=%20+1'), 'x?b=%20+1')
  assert.equal(key('?b=1', { ignoreSearch: true }), 'x')
})

test('what a response varies by is kept beside it', () => {
  const headers = { accept: 'text/html' }
  assert.equal(keyOf({}, new Request(SCOPE, { headers })).headers.get('accept'), 'text/html')
})

test('cookies are sent as the route says, but for navigations', async () => {
  const asked = network(ok)
  await askFor({ credentials: 'omit' }, { request: new Request(SCOPE) })
  await askFor({}, { request: new Request(SCOPE) })
  await askFor({ credentials: 'omit' }, { request: { mode: 'navigate', credentials: 'include' } })
  assert.deepEqual(asked, ['cors omit', 'cors same-origin', 'navigate include'])
})

test('what the browser has asked for already is not asked for again', async (t) => {
  const asked = network(ok)
  features.preloaded = async () => new Response('preloaded')
  t.after(() => delete features.preloaded)
  assert.equal(await (await askFor({}, { request: new Request(SCOPE) })).text(), 'preloaded')
  assert.deepEqual(asked, [])
})

test('another origin is asked so that the answer can be read, until it refuses', async () => {
  const refuses = ({ mode }) => {
    if (mode === 'cors') throw new TypeError('refused')
    return ok()
  }
  const picture = (url, headers = {}) => new Request(url, { mode: 'no-cors', headers })
  const other = 'https://other.example/x.png'
  network(() => Promise.reject(new TypeError('no network')))
  await assert.rejects(upgraded(picture(other)))
  // that it was not there says nothing of what it lets others read
  let asked = network(refuses)
  await upgraded(picture(other))
  await upgraded(picture(other))
  assert.deepEqual(asked, ['cors same-origin', 'no-cors same-origin', 'no-cors same-origin'])
  asked = network(ok)
  await upgraded(picture(`${SCOPE}x.png`))
  await upgraded(picture('https://open.example/x.png'), 'include')
  assert.deepEqual(asked, ['no-cors same-origin', 'cors include'])
})
