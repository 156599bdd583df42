// What may be kept at run time, what makes room for it, and how it is emptied; over caches that are
// maps. What a real `Cache` does beyond that is tested in Chromium (`tests/worker/routes.rs`).

import assert from 'node:assert/strict'
import test, { beforeEach } from 'node:test'

const SCOPE = 'https://site.example/'
const START = `revisit|${SCOPE}||`

/** As much of a cache as stashes use: by URL, and in the order of their puts. */
class Fake {
  entries = new Map()
  full = 0 // so many puts fail
  async put(request, response) {
    if (this.full-- > 0) throw Object.assign(new Error(), { name: 'QuotaExceededError' })
    await this.slow?.()
    if (response.status === 206) throw new TypeError()
    this.entries.delete(request.url)
    this.entries.set(request.url, { request, response })
  }
  async keys(request) {
    const found = [...this.entries.values()].map(({ request }) => request)
    return request ? found.filter(({ url }) => url === new Request(request).url) : found
  }
  async delete(request) {
    return this.entries.delete(new Request(request).url)
  }
  async match(request) {
    return this.entries.get(new Request(request).url)?.response.clone()
  }
}

/** @type {Map<string, Fake>} */
let all
globalThis.self = { registration: { scope: SCOPE } }
globalThis.caches = {
  has: async (name) => all.has(name),
  keys: async () => [...all.keys()],
  delete: async (name) => all.delete(name),
  async open(name) {
    if (!all.has(name)) all.set(name, new Fake())
    return all.get(name)
  },
  match: async (request, { cacheName }) => all.get(cacheName)?.match(request),
}
beforeEach(() => (all = new Map([[`${START}files`, new Fake()]])))

const { clearings, emptyStashes, label, stash, stow, stowed, stowedUrls } = await import('./stash.js')

const answer = (text = 'text', headers = {}, status = 200) => new Response(text, { status, headers })
const urls = async (name) => (await (await stash(name)).keys()).map(({ url }) => url.slice(SCOPE.length))

test('what is kept comes back as it came, with its time and its tags', async () => {
  const before = Date.now()
  assert.ok(await stow('a', `${SCOPE}x`, answer('body', { etag: '"1"' }), { tags: ['my list', 'ä'] }))
  const { response, at, tags } = await stowed('a', `${SCOPE}x`)
  assert.equal(await response.text(), 'body')
  assert.deepEqual([...response.headers.keys()].sort(), ['content-type', 'etag'])
  assert.ok(at >= before && at <= Date.now())
  assert.deepEqual(tags, ['my list', 'ä'])
  assert.ok(all.has(`${START}run|a`))
})

test('what is not there is not found, and no stash comes into being for the question', async () => {
  assert.equal(await stowed('none', `${SCOPE}x`), undefined)
  assert.deepEqual([...all.keys()], [`${START}files`])
})

test('only what may be kept is', async () => {
  const kept = async (response, terms) => stow('a', `${SCOPE}x`, response, terms)
  const opaque = () => Object.defineProperty(new Response(''), 'type', { value: 'opaque' })
  for (const [expected, response, terms] of [
    [false, answer('', {}, 404)],
    [true, answer('', {}, 404), { statuses: [404] }],
    [false, answer('', {}, 200), { statuses: [404] }],
    [false, answer('', {}, 206), { statuses: [206] }],
    [false, answer('', { 'cache-control': 'max-age=1, Private' })],
    [false, answer('', { 'cache-control': 'no-store' })],
    [true, answer('', { 'cache-control': 'no-cache' })],
    [true, answer('', { 'cache-control': 'no-store' }), { private: true }],
    [false, answer('', { vary: 'Accept, Cookie' })],
    [true, answer('', { vary: 'Accept' })],
    [true, answer('', { 'x-ok': '1' }), { headers: { 'x-ok': '1' } }],
    [false, answer('', { 'x-ok': '2' }), { headers: { 'x-ok': '1' } }],
    [false, answer(''), { headers: { 'x-ok': '1' } }],
    [false, opaque()],
    [true, opaque(), { opaque: true }],
    [true, answer('123'), { bytesMax: 3 }],
    [false, answer('1234'), { bytesMax: 3 }],
    [false, answer('1', { 'content-length': '4' }), { bytesMax: 3 }],
  ]) {
    assert.equal(await kept(response, terms), expected, JSON.stringify([terms, [...response.headers], response.type]))
  }
})

test('a body that breaks off is not kept', async () => {
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(new Uint8Array(9))
      controller.error(new Error('cut'))
    },
  })
  assert.equal(await stow('a', `${SCOPE}x`, new Response(body)), false)
  assert.deepEqual(await urls('a'), [])
})

test('the oldest make room, by their number and by their bytes', async () => {
  for (const name of ['1', '2', '3']) await stow('n', SCOPE + name, answer(), { entriesMax: 2 })
  assert.deepEqual(await urls('n'), ['2', '3'])
  for (const name of ['1', '2', '3']) await stow('b', SCOPE + name, answer('12345'), { bytesMax: 10 })
  assert.deepEqual(await urls('b'), ['2', '3'])
  await stow('b', `${SCOPE}4`, answer('123456'), { bytesMax: 10 })
  assert.deepEqual(await urls('b'), ['4'])
})

test('what is kept anew is the youngest', async () => {
  for (const name of ['1', '2', '1', '3']) await stow('n', SCOPE + name, answer(), { entriesMax: 2 })
  assert.deepEqual(await urls('n'), ['1', '3'])
})

test('what is too old goes when something else is kept', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 })
  await stow('a', `${SCOPE}old`, answer(), { ageMax: 1000 })
  t.mock.timers.setTime(1_001_000)
  await stow('a', `${SCOPE}edge`, answer(), { ageMax: 1000 })
  assert.deepEqual(await urls('a'), ['old', 'edge'])
  t.mock.timers.setTime(1_001_001)
  await stow('a', `${SCOPE}new`, answer(), { ageMax: 1000 })
  assert.deepEqual(await urls('a'), ['edge', 'new'])
})

test('when the disk is full the older half goes, and it is tried once more', async () => {
  for (const name of ['1', '2', '3', '4']) await stow('a', SCOPE + name, answer())
  const cache = await stash('a')
  cache.full = 1
  assert.ok(await stow('a', `${SCOPE}5`, answer('five')))
  assert.deepEqual(await urls('a'), ['3', '4', '5'])
  assert.equal(await (await stowed('a', `${SCOPE}5`)).response.text(), 'five')
  cache.full = 2
  assert.equal(await stow('a', `${SCOPE}6`, answer()), false)
  assert.deepEqual(await urls('a'), ['5'])
})

test('clearing takes all, or what has a tag, of every stash', async () => {
  const fill = async () => {
    await stow('a', `${SCOPE}1`, answer(), { tags: ['user'] })
    await stow('a', `${SCOPE}2`, answer(), { tags: ['users'] })
    await stow('b', `${SCOPE}3`, answer(), { tags: ['x', 'user'] })
  }
  await fill()
  await emptyStashes('user')
  assert.deepEqual([await urls('a'), await urls('b')], [['2'], []])
  await fill()
  all.set('somebody-else', new Fake())
  await emptyStashes()
  assert.deepEqual([...all.keys()], [`${START}files`, 'somebody-else'])
})

test('what was asked for before a clearing is not kept after it', async () => {
  const since = clearings()
  await emptyStashes()
  assert.equal(await stow('a', `${SCOPE}1`, answer(), { since }), false)
  assert.ok(await stow('a', `${SCOPE}1`, answer(), { since: clearings() }))
  const cache = await stash('a')
  cache.slow = () => emptyStashes('other')
  assert.equal(await stow('a', `${SCOPE}2`, answer()), false)
  assert.deepEqual(await urls('a'), ['1'])
})

test('nothing is kept anew once the origin was emptied', async () => {
  all.clear()
  assert.equal(await stow('a', `${SCOPE}1`, answer()), false)
  assert.deepEqual([...all.keys()], [])
})

test('what is in a stash is told without making one, and a label makes nothing younger', async () => {
  assert.deepEqual(await stowedUrls('none'), [])
  assert.deepEqual([...all.keys()], [`${START}files`])
  await stow('a', `${SCOPE}x`, answer(), { tags: ['one'] })
  assert.deepEqual(await stowedUrls('a'), [`${SCOPE}x`])
  const { at } = await stowed('a', `${SCOPE}x`)
  await label('a', `${SCOPE}x`, ['two', 'one'])
  await label('a', `${SCOPE}y`, ['two'])
  const kept = await stowed('a', `${SCOPE}x`)
  assert.deepEqual([kept.at, kept.tags, await kept.response.text()], [at, ['one', 'two'], 'text'])
  assert.equal(await stowed('a', `${SCOPE}y`), undefined)
  await emptyStashes('two')
  assert.deepEqual(await urls('a'), [])
})
