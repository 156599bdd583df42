// What goes when there is no room: of several manifests of one origin, and of what was only visited.

import assert from 'node:assert/strict'
import test from 'node:test'

import { World } from './testing/world.js'

const HOUR = 3_600_000

/** A part of the site with a manifest of its own: a page, and so many files; all say `word`. */
function part(world, name, word, files = 5) {
  const list = Array.from({ length: files }, (_, n) => `${n}.js`)
  world.put(`/${name}/site.appcache`, { body: `CACHE MANIFEST\n# ${word}\n${list.join('\n')}` })
  for (const file of list) world.put(`/${name}/${file}`, { body: `${file} ${word}` })
  world.put(`/${name}/`, { body: `page ${word}`, manifest: 'site.appcache' })
}

/** Visits a part and leaves it; which events its page heard last. */
async function pass(world, name) {
  const { page } = await world.visit(`/${name}/`)
  world.pages.delete(page.id)
  world.now += 2 * HOUR
  return page.events.at(-1)
}

/** Of these parts those that are there without a network, each whole. */
async function kept(world, ...names) {
  world.offline = true
  const found = []
  for (const name of names) {
    const { from, page } = await world.visit(`/${name}/`)
    if (from !== 'cache') continue
    found.push(name)
    assert.equal((await world.load('4.js', page)).from, 'cache')
    world.pages.delete(page.id)
  }
  world.offline = false
  return found.join(' ')
}

async function parts(...names) {
  const world = new World()
  for (const name of names) {
    part(world, name, 'one')
    assert.equal(await pass(world, name), 'cached')
  }
  return world
}

test('for a new cache that finds no room the group goes that was used longest ago, and no more than it takes', async () => {
  const world = await parts('a', 'b', 'c')
  assert.equal(await pass(world, 'a'), 'noupdate') // b is the one, now
  world.start() // which knows what was written down
  world.entriesMax = world.entries() + 2
  part(world, 'd', 'one')
  assert.equal(await pass(world, 'd'), 'cached')
  assert.equal(await kept(world, 'a', 'b', 'c', 'd'), 'a c d')
  // and one that is gone begins anew
  world.entriesMax = Infinity
  assert.equal(await pass(world, 'b'), 'cached')
})

test('what a page has, or updates, stays; an update that finds nothing to drop ends with an error', async () => {
  const world = await parts('a', 'b')
  const { page } = await world.visit('/a/')
  world.now += 2 * HOUR
  world.entriesMax = world.entries() + 2
  part(world, 'c', 'one')
  assert.equal(await pass(world, 'c'), 'cached')
  assert.equal(await kept(world, 'a', 'b', 'c'), 'a c')
  const { page: other } = await world.visit('/c/')
  world.now += 2 * HOUR
  part(world, 'c', 'two', 9)
  world.entriesMax = world.entries() + 2
  await world.call(other, 'update')
  assert.deepEqual([other.events.at(-1), other.details.at(-1).reason, other.status], ['error', 'quota', 'IDLE'])
  assert.equal((await world.load('4.js', page)).body, '4.js one')
  assert.equal(await kept(world, 'a', 'c'), 'a c')
})

test('versions and pages that nobody has any more go before a group does', async () => {
  const world = await parts('a', 'b')
  const { page } = await world.visit('/b/')
  part(world, 'b', 'two')
  await world.call(page, 'update')
  world.pages.clear() // and with it the old version's last page
  world.now += 2 * HOUR
  world.entriesMax = world.entries() + 3
  part(world, 'c', 'one')
  assert.equal(await pass(world, 'c'), 'cached')
  assert.equal(await kept(world, 'a', 'b', 'c'), 'a b c')
})

test('a page that is parked keeps nothing back, and loads anew when the back button brings it again', async () => {
  const world = await parts('a', 'b')
  const { page } = await world.visit('/a/')
  const say = (payload) => world.handle('message', { data: { type: 'REVISIT', payload }, ports: [], source: page })
  await say({ appcache: 'parked' })
  await world.quiet()
  world.pages.delete(page.id)
  await pass(world, 'b')
  world.now -= 2 * HOUR // it could come back yet
  const back = async () => {
    await say({ appcache: 'back', status: 1 })
    await world.quiet()
    return !!page.again
  }
  assert.equal(await back(), false)
  await say({ appcache: 'parked' })
  await world.quiet()
  world.entriesMax = world.entries() + 2
  part(world, 'c', 'one')
  assert.equal(await pass(world, 'c'), 'cached')
  assert.equal(await kept(world, 'a', 'b', 'c'), 'b c')
  assert.equal(await back(), true)
})

test('two manifests that are updated at once share what room there is', async () => {
  const world = new World()
  part(world, 'a', 'one', 20)
  part(world, 'b', 'one', 20)
  world.entriesMax = 30
  const [a, b] = await Promise.all([world.visit('/a/'), world.visit('/b/')])
  await world.quiet()
  const last = [a, b].map(({ page }) => page.events.at(-1))
  assert.ok(last.includes('error'), `${last}`)
  assert.ok(world.entries() <= 30)
  // whoever came to nothing has left nothing
  const names = [...world.caches.keys()].filter((name) => /\|\d+$/.test(name))
  assert.equal(names.length, last.filter((event) => event === 'cached').length)
})

test('pages that are visited while the manifest stays the same push out the oldest of a hundred, never listed ones', async () => {
  const world = new World()
  world.put('/site.appcache', { body: 'CACHE MANIFEST\n/listed' })
  const page = (n) => `/p?${n}`
  for (const address of ['/listed', ...Array.from({ length: 150 }, (_, n) => page(n))]) {
    world.put(address, { body: address, manifest: '/site.appcache' })
    await world.visit(address)
  }
  const cache = [...world.caches].find(([name]) => /\|\d+$/.test(name))[1]
  const urls = [...cache.entries.keys()]
  assert.equal(urls.length, 102, 'the manifest, what it lists, and a hundred')
  assert.deepEqual(urls.filter((url) => url.includes('?')).slice(0, 2), ['http://example.com/p?50', 'http://example.com/p?51'])
  world.pages.clear()
  world.offline = true
  assert.equal((await world.visit(page(50))).from, 'cache')
  assert.equal((await world.visit('/listed')).from, 'cache')
  assert.equal((await world.visit(page(49))).from, 'error')
  // it comes back as any other
  world.offline = false
  await world.visit(page(49))
  world.offline = true
  assert.deepEqual([(await world.visit(page(49))).from, (await world.visit(page(50))).from], ['cache', 'error'])
})

test('a disk that is full at any put of a first visit leaves a cache that is whole, or none', async () => {
  for (let puts = 0, first = ''; first !== 'cached' || puts < 12; puts++) {
    const world = new World()
    part(world, 'a', 'one', 3)
    world.putsLeft = puts
    const { page } = await world.visit('/a/')
    first = page.events.at(-1)
    assert.equal(page.events.includes('cached'), first === 'cached', `after ${puts} puts: ${page.events}`)
    world.putsLeft = Infinity
    const versions = [...world.caches.keys()].filter((name) => /\|\d+$/.test(name))
    assert.equal(versions.length, first === 'cached' ? 1 : 0, `after ${puts} puts: ${first}`)
    // and so it is to a worker that knows only what was written
    for (const offline of first === 'cached' ? [true] : [false, true]) {
      world.start()
      world.offline = offline
      const { body, page } = await world.visit('/a/')
      assert.equal(body, 'page one', `after ${puts} puts`)
      assert.equal((await world.load('2.js', page)).body, '2.js one')
    }
    assert.ok(puts < 30)
  }
})
