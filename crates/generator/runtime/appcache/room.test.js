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

/** What a page's shim says when the user leaves it, and when the back button brings it again. */
async function park(world, page) {
  await page.pagehide({ persisted: true })
  await world.quiet()
  world.pages.delete(page.id)
}

/** Is the page loaded anew? */
async function back(world, page) {
  world.pages.set(page.id, page)
  await page.pageshow({ persisted: true })
  await world.quiet()
  return !!page.again
}

test('a page that is parked keeps nothing back, and loads anew when the back button brings it again', async () => {
  const world = await parts('a', 'b')
  const { page } = await world.visit('/a/')
  await park(world, page)
  await pass(world, 'b')
  world.now -= 2 * HOUR // it could come back yet
  assert.equal(await back(world, page), false)
  await park(world, page)
  world.entriesMax = world.entries() + 2
  part(world, 'c', 'one')
  assert.equal(await pass(world, 'c'), 'cached')
  assert.equal(await kept(world, 'a', 'b', 'c'), 'b c')
  // not into an error page
  world.offline = true
  assert.equal(await back(world, page), false)
  assert.equal(page.status, 'UNCACHED')
  world.offline = false
  assert.equal(await back(world, page), false, 'by now it knows that it has none')
})

test('of parked pages those alone load anew whose group goes', async () => {
  const world = await parts('a', 'b', 'c')
  const [{ page: a }, { page: c }] = [await world.visit('/a/'), await world.visit('/c/')]
  // an old version that an open page has stays for a parked one as well
  part(world, 'c', 'two')
  const { page: open } = await world.visit('/c/')
  assert.equal(open.events.at(-1), 'updateready')
  const { page: old } = await world.visit('/b/')
  for (const page of [a, old]) await park(world, page)
  world.now -= HOUR
  part(world, 'd', 'one')
  world.entriesMax = world.entries() + 2
  // b was visited last, and a before
  const { page: d } = await world.visit('/d/')
  assert.equal(d.events.at(-1), 'cached')
  assert.equal(await kept(world, 'a', 'b', 'c', 'd'), 'b c d')
  assert.deepEqual([await back(world, a), await back(world, old)], [true, false])
  assert.equal((await world.load('4.js', c)).body, '4.js one')
})

test('a page that comes back while room is made keeps what it has', async () => {
  for (const late of [1, 2, 3]) {
    const world = await parts('a', 'b')
    const { page } = await world.visit('/a/')
    await pass(world, 'b')
    world.now -= 2 * HOUR
    await park(world, page)
    world.entriesMax = world.entries() + 2
    part(world, 'c', 'one')
    let come
    const held = new Promise((resolve) => (come = resolve))
    const fetched = world.fetch
    world.fetch = (asked, ...more) => {
      // of the lists that are asked for from here on, to make room, this one comes late
      let lists = 0
      const listed = { configurable: true, get: () => (++lists === late ? held : undefined) }
      if (`${asked.url || asked}`.endsWith('/c/0.js')) Object.defineProperty(world, 'listed', listed)
      return fetched.call(world, asked, ...more)
    }
    const { page: c } = await world.visit('/c/')
    assert.equal(c.events.at(-1), 'progress')
    await back(world, page)
    come()
    await world.quiet()
    assert.equal(c.events.at(-1), 'cached')
    assert.deepEqual([!!page.again, page.status], [false, 'IDLE'])
    assert.equal((await world.load('4.js', page)).from, 'cache', `list ${late}`)
    world.pages.clear()
    assert.equal(await kept(world, 'a', 'b', 'c'), 'a c')
  }
})

test('a page that is left during its first download joins anew when the back button brings it again', async () => {
  for (const [brings, offline, last, status] of [
    ['cached', false, 'noupdate', 'IDLE'],
    ['error', false, 'error', 'UNCACHED'],
    ['cached', true, 'error', 'UNCACHED'],
  ]) {
    const world = new World()
    part(world, 'a', 'one')
    let come
    const held = new Promise((resolve) => (come = resolve))
    const fetched = world.fetch
    world.fetch = async (asked, ...more) => {
      if (`${asked.url || asked}`.endsWith('4.js')) await held
      return fetched.call(world, asked, ...more)
    }
    const { page } = await world.visit('/a/')
    assert.deepEqual([page.events.at(-1), page.status], ['progress', 'DOWNLOADING'])
    await park(world, page)
    if (brings === 'error') world.put('/a/4.js')
    come()
    await world.quiet()
    world.offline = offline
    assert.equal(await back(world, page), false)
    assert.deepEqual([page.events.at(-1), page.status], [last, status])
    assert.equal(await kept(world, 'a'), brings === 'cached' ? 'a' : '')
  }
})

test('a page that comes while its group makes room has all of it, or comes from the network', async () => {
  let given = 0
  let dropped = 0
  for (let turns = 40; turns < 100; turns += 2) {
    const world = await parts('a', 'b')
    world.entriesMax = world.entries() + 2
    part(world, 'c', 'one')
    const visit = world.visit('/c/')
    for (let turn = 0; turn < turns; turn++) await null
    const [{ from, page }] = await Promise.all([world.visit('/a/'), visit])
    if (from !== 'cache') {
      dropped++
      continue
    }
    given++
    assert.equal((await world.load('4.js', page)).from, 'cache', `after ${turns} turns`)
    assert.equal((await world.visit('/a/')).from, 'cache', `after ${turns} turns`)
  }
  assert.ok(given > 3 && dropped > 3, `it comes before it goes ${given} times, and after ${dropped} times`)
})

test('where what was dropped brings no room the next group stays', async () => {
  const world = await parts('a', 'b', 'c')
  world.entriesMax = world.entries() + 2
  world.counted = 100
  part(world, 'd', 'one', 40)
  const { page } = await world.visit('/d/')
  for (let looks = 0; page.events.at(-1) !== 'error' && looks < 200; looks++) await world.tick(50)
  assert.deepEqual([page.events.at(-1), page.details.at(-1).reason], ['error', 'quota'])
  assert.equal(await kept(world, 'a', 'b', 'c'), 'b c')
})

/** Visits two parts in one step; which events their pages heard last. */
async function both(world, ...names) {
  const visits = await Promise.all(names.map((name) => world.visit(`/${name}/`)))
  await world.quiet()
  world.pages.clear()
  return visits.map(({ page }) => page.events.at(-1))
}

/** The caches of versions, whether they count or not. */
const numbered = (world) => [...world.caches.keys()].filter((name) => /\|\d+$/.test(name))

test('two manifests that are updated at once have a cache each', async () => {
  const world = new World()
  part(world, 'a', 'one')
  part(world, 'b', 'one')
  assert.deepEqual(await both(world, 'a', 'b'), ['cached', 'cached'])
  assert.equal(numbered(world).length, 2)
  world.start() // which knows what was written down
  assert.equal(await kept(world, 'a', 'b'), 'a b')
})

test('of two manifests that are updated at once one fails, and the other is whole', async () => {
  for (const [bad, good] of ['ab', 'ba']) {
    const world = new World()
    part(world, 'a', 'one')
    part(world, 'b', 'one')
    world.put(`/${bad}/4.js`)
    const last = await both(world, 'a', 'b')
    assert.deepEqual([last['ab'.indexOf(bad)], last['ab'.indexOf(good)]], ['error', 'cached'])
    assert.equal(numbered(world).length, 1)
    world.start()
    assert.equal(await kept(world, 'a', 'b'), good)
  }
})

test('two manifests that are updated at once share what room there is', async () => {
  for (const [room, files, expected] of [
    [60, [20, 20], ['cached', 'cached']],
    [60, [70, 5], ['error', 'cached']], // it was done when there was none left
    [30, [20, 20], ['error', 'error']], // both were half done then
  ]) {
    const world = new World()
    part(world, 'a', 'one', files[0])
    part(world, 'b', 'one', files[1])
    world.entriesMax = room
    assert.deepEqual(await both(world, 'a', 'b'), expected)
    assert.ok(world.entries() <= room)
    // whoever came to nothing has left nothing
    const whole = ['a', 'b'].filter((_, at) => expected[at] === 'cached')
    assert.equal(numbered(world).length, whole.length)
    world.start()
    assert.equal(await kept(world, 'a', 'b'), whole.join(' '))
    // and all of the room to whoever comes next
    if (!whole.length) assert.equal(await pass(world, 'b'), 'cached')
  }
})

test('a version that is written down while another update cleans up stays written down', async () => {
  const world = await parts('a')
  part(world, 'b', 'one')
  let come
  const held = new Promise((resolve) => (come = resolve))
  const index = world.caches.get('revisit|http://example.com/||appcache')
  const { put } = index
  index.put = async (request, response) => {
    await put.call(index, request, response)
    if (/version/.test(new Request(request).url)) await held
  }
  const { page } = await world.visit('/b/')
  assert.equal(page.events.at(-1), 'progress')
  assert.equal(await pass(world, 'a'), 'noupdate')
  come()
  await world.quiet()
  assert.equal(page.events.at(-1), 'cached')
  world.pages.clear()
  world.start()
  assert.equal(await kept(world, 'a', 'b'), 'a b')
})

test('a worker that is killed at any step of cleaning up leaves nothing that sticks to a later version', async () => {
  for (let deletes = 0, killed = true; killed; deletes++) {
    const world = await parts('a', 'b')
    // the last number is free again once b is gone
    world.put('/b/site.appcache')
    assert.equal((await world.visit('/b/')).page.events.at(-1), 'obsolete')
    world.pages.clear()
    world.now += 2 * HOUR
    world.deletesUntilKill = deletes
    await world.visit('/a/')
    killed = world.deletesUntilKill < 0
    world.deletesUntilKill = -1
    world.pages.clear()
    part(world, 'b', 'two')
    assert.equal(await pass(world, 'b'), 'cached', `after ${deletes} deletes`)
    world.start()
    assert.equal(await kept(world, 'a', 'b'), 'a b', `after ${deletes} deletes`)
    assert.ok(deletes < 30)
  }
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
