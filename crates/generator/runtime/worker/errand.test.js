// What is fetched ahead, over a network and caches that are maps: how often, how much, and what of
// one URL's trouble another one feels.

import assert from 'node:assert/strict'
import test, { beforeEach } from 'node:test'

const SITE = 'https://site.example/'

/** @type {Map<string, Map<string, {key: Request, response: Response}>>} */
let all
/** A disk without room. */
let full = false
/** @param {Map<string, any>} entries */
const cacheOf = (entries) => ({
  async put(key, response) {
    if (full) throw Object.assign(new Error(), { name: 'QuotaExceededError' })
    entries.set(key.url, { key, response })
  },
  keys: async (request) => [...entries.values()].map(({ key }) => key).filter(({ url }) => !request || new Request(request).url === url),
  match: async (request) => entries.get(new Request(request).url)?.response.clone(),
  delete: async (request) => entries.delete(new Request(request).url),
})
globalThis.self = { registration: { scope: SITE }, location: new URL(`${SITE}sw.js`), setTimeout }
globalThis.caches = {
  has: async (name) => all.has(name),
  keys: async () => [...all.keys()],
  delete: async (name) => all.delete(name),
  async open(name) {
    if (!all.has(name)) all.set(name, new Map())
    return cacheOf(all.get(name))
  },
  match: async (request, { cacheName }) => all.has(cacheName) && cacheOf(all.get(cacheName)).match(request),
}

/** @type {Record<string, () => Response | Promise<Response>>} By path. */
let network
/** @type {string[]} */
let asked
/** @type {number} */
let together
globalThis.fetch = async (url, { signal }) => {
  const { pathname } = new URL(url)
  asked.push(pathname)
  signal.throwIfAborted()
  together++
  const aborted = new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  aborted.catch(() => {})
  try {
    const answer = network[pathname]
    if (!answer) throw new TypeError('Failed to fetch')
    const response = await Promise.race([answer(), aborted])
    return Object.defineProperty(response, 'url', { value: url })
  } finally {
    together--
  }
}

const { config } = await import('./config.js')
config.prefetch = { urlsMax: 9, sizeMax: 1000, saveMax: 1000, lanes: 2, freshMs: 60_000, timeoutMs: 10, opaque: false, follow: [] }
const { run } = await import('./errand.js')
const { emptyStashes } = await import('./stash.js')

beforeEach(() => {
  all = new Map([[`revisit|${SITE}||files`, new Map()]])
  network = {}
  asked = []
  together = 0
  full = false
})

/** @param {string[]} paths @param {object} [more] */
const errand = (paths, more = {}) => ({
  stash: 'prefetch',
  urls: new Map(paths.map((path) => [SITE + path, undefined])),
  rules: [],
  tags: [],
  followMax: 9,
  room: 1000,
  ...more,
})

/** As `path reason`. @param {import('./errand.js').Summary} summary */
const reasons = ({ failed }) => failed.map(({ url, reason }) => `${url.slice(SITE.length)} ${reason}`)

test('two that ask for the same share one request, and who comes later has it for none', async () => {
  network['/a'] = () => new Response('a')
  const both = await Promise.all([run(errand(['a'], { tags: ['x'] })), run(errand(['a'], { tags: ['y'] }))])
  assert.deepEqual(both.map(({ summary }) => [summary.fetched, summary.had]), [[1, 0], [1, 0]])
  assert.equal((await run(errand(['a']))).summary.had, 1)
  assert.deepEqual(asked, ['/a'])
  // each tag leads to it
  await emptyStashes('y')
  assert.equal((await run(errand(['a']))).summary.fetched, 1)
})

test('so many are under way at a time, and what is refused holds up no other', async () => {
  let most = 0
  for (const name of ['a', 'b', 'c', 'd', 'e']) {
    network[`/${name}`] = async () => {
      most = Math.max(most, together)
      await new Promise((resolve) => setTimeout(resolve, 5))
      return new Response(name, { status: name === 'b' ? 503 : 200 })
    }
  }
  const { summary, urls } = await run(errand(['a', 'b', 'gone', 'c', 'd', 'e']))
  assert.equal(most, 2)
  assert.deepEqual(reasons(summary).sort(), ['b status', 'gone network'])
  assert.deepEqual([summary.total, summary.fetched, summary.refused, urls.length], [6, 4, 2, 4])
})

test('what is larger than the room that is left ends, and so does what asks for more', async () => {
  network['/big'] = () => new Response('x'.repeat(800))
  network['/bigger'] = () => new Response('x'.repeat(801))
  network['/said'] = () => new Response('x', { headers: { 'content-length': '5000' } })
  network['/small'] = () => new Response('x')
  const { summary } = await run(errand(['said', 'big', 'bigger', 'small']))
  assert.deepEqual(reasons(summary), ['said large', 'bigger large', 'small large'])
  assert.equal(summary.fetched, 1)
})

test('a disk without room keeps nothing and says so', async () => {
  network['/a'] = () => new Response('a')
  full = true
  assert.deepEqual(reasons((await run(errand(['a']))).summary), ['a quota'])
  full = false
  assert.equal((await run(errand(['a']))).summary.fetched, 1)
})

test('what names itself, or each other, is fetched once, and no more than the limit', async () => {
  const named = (/** @type {string[]} */ ...names) => () => Response.json(names)
  Object.assign(network, { '/a': named('a', 'b'), '/b': named('a', 'b', 'c'), '/c': named('a', 'd'), '/d': named('e') })
  const rules = [{ pointer: '/*', depth: 5 }]
  const { summary } = await run(errand(['a'], { rules, followMax: 2 }))
  assert.deepEqual(asked, ['/a', '/b', '/c'])
  assert.deepEqual([summary.fetched, summary.ignored], [3, 1])
  asked = []
  await emptyStashes()
  // so far and no further
  await run(errand(['a'], { rules: [{ pointer: '/*', depth: 2 }] }))
  assert.deepEqual(asked, ['/a', '/b', '/c'])
})

test('an abort ends what nobody else waits for', async () => {
  /** @type {(response: Response) => void} */
  let answer = () => {}
  network['/shared'] = () => new Promise((resolve) => (answer = resolve))
  network['/own'] = () => new Promise(() => {})
  const controller = new AbortController()
  const first = run(errand(['shared', 'own', 'later'], { signal: controller.signal }))
  const second = run(errand(['shared']))
  await new Promise((resolve) => setTimeout(resolve, 5))
  controller.abort()
  answer(new Response('x'))
  assert.equal((await second).summary.fetched, 1)
  assert.deepEqual(reasons((await first).summary), ['own aborted', 'later aborted'])
})

test('a clearing meanwhile leaves nothing behind', async () => {
  /** @type {(response: Response) => void} */
  let answer = () => {}
  network['/a'] = () => new Promise((resolve) => (answer = resolve))
  network['/b'] = () => new Response('b')
  const running = run(errand(['a'], { rules: [{ pointer: '/*' }] }))
  await new Promise((resolve) => setTimeout(resolve, 5))
  await emptyStashes('of somebody else')
  answer(Response.json(['b']))
  assert.deepEqual(reasons((await running).summary), ['a cleared'])
  assert.deepEqual(asked, ['/a'])
})

test('whatever code of the site’s own throws is told, and the answer is kept', async () => {
  for (const [thrown, reason] of [[new Error('own'), 'own'], ['text', 'text'], [null, 'null'], [undefined, 'undefined']]) {
    network['/a'] = () => new Response('a')
    globalThis.self.revisitFollow = () => {
      throw thrown
    }
    const { summary } = await run(errand(['a']))
    assert.deepEqual(reasons(summary), [`a ${reason}`])
    assert.equal(summary.fetched + summary.had, 1)
  }
  delete globalThis.self.revisitFollow
})
