// What the shared cases do not reach: kills, full disks, large manifests, what is cleaned up, and the page's side.

import assert from 'node:assert/strict'
import test from 'node:test'

import { fresh } from './fresh.js'
import { World } from './testing/world.js'

const MANIFEST = '/site.appcache'

/** A site whose files all say `word`. */
function deploy(world, word, more = '') {
  world.put(MANIFEST, { body: `CACHE MANIFEST\n# ${word}\na.js\nb.js\nFALLBACK:\n/away/ away.html\n${more}` })
  for (const file of ['a.js', 'b.js', 'away.html']) world.put(file, { body: `${file} ${word}` })
  for (const page of ['/', '/other']) world.put(page, { body: `page ${word}`, manifest: MANIFEST })
}

async function visited(word = 'one') {
  const world = new World()
  deploy(world, word)
  const { page } = await world.visit('/')
  assert.equal(page.events.at(-1), 'cached')
  return { world, page }
}

/** Which word everything says without a network; it is one alone. */
async function wordOffline(world) {
  world.offline = true
  const { body, page } = await world.visit('/')
  const bodies = [body, (await world.load('a.js', page)).body, (await world.load('b.js', page)).body]
  const away = await world.visit('/away/x')
  bodies.push(away.body)
  const words = new Set(bodies.map((text) => text.split(' ')[1]))
  assert.equal(words.size, 1, `${bodies}`)
  world.offline = false
  for (const page of [...world.pages.keys()]) world.pages.delete(page)
  return [...words][0]
}

const versions = (world) => [...world.caches.keys()].filter((name) => /\|\d+$/.test(name)).length

test('a worker that is killed at any put of an update leaves one version whole, and the next visit completes it', async () => {
  let kept = 0
  for (let puts = 0; ; puts++) {
    const { world } = await visited()
    world.pages.clear()
    deploy(world, 'two')
    world.putsUntilKill = puts
    const { page } = await world.visit('/')
    const killed = page.events.at(-1) !== 'updateready'
    world.putsUntilKill = -1
    world.start()
    world.pages.clear()
    world.now += 120_000
    const word = await wordOffline(world)
    kept += word === 'one'
    for (let visits = 0; visits < 2; visits++) {
      world.pages.clear()
      world.now += 120_000
      await world.visit('/')
    }
    assert.equal(versions(world), 1, `after ${puts} puts`)
    assert.equal(await wordOffline(world), 'two', `after ${puts} puts`)
    if (!killed) break
    assert.ok(puts < 30)
  }
  assert.ok(kept > 5)
})

test('a disk that is full at any put of an update leaves the version before', async () => {
  for (let puts = 1; ; puts++) {
    const { world, page } = await visited()
    deploy(world, 'two')
    world.putsLeft = puts
    page.events.length = 0
    await world.call(page, 'update')
    world.putsLeft = Infinity
    if (page.events.at(-1) === 'updateready') break
    assert.equal(page.events.at(-1), 'error')
    assert.equal(page.details.at(-1).reason, 'quota')
    assert.equal(page.status, 'IDLE')
    assert.equal(versions(world), 1)
    assert.equal(await wordOffline(world), 'one')
    assert.ok(puts < 30)
  }
})

test('ten thousand files are kept, six at a time, and more than twenty thousand are refused', async () => {
  const { world, page } = await visited()
  const list = (count) => Array.from({ length: count }, (_, n) => `files/${n}`).join('\n')
  for (let n = 0; n < 10_000; n++) world.put(`files/${n}`, { body: `${n}` })
  deploy(world, 'two', `CACHE:\n${list(10_000)}`)
  await world.call(page, 'update')
  assert.equal(page.events.at(-1), 'updateready')
  assert.deepEqual([page.details.at(-2).loaded, page.details.at(-2).total], [10_004, 10_004])
  deploy(world, 'three', `CACHE:\n${list(20_001)}`)
  await world.call(page, 'update')
  assert.equal(page.details.at(-1).reason, 'policy')
})

test('an update that a page begins when it hears of the last one runs to its end', async () => {
  const { world, page } = await visited()
  deploy(world, 'two')
  page.events.length = 0
  const { applicationCache } = page.window
  applicationCache.onupdateready = () => {
    applicationCache.onupdateready = null
    applicationCache.swapCache()
    applicationCache.update()
  }
  await world.call(page, 'update')
  assert.deepEqual(page.events.slice(-3), ['updateready', 'checking', 'noupdate'])
  assert.equal(page.status, 'IDLE')
  await world.call(page, 'update')
  assert.deepEqual(page.events.slice(-2), ['checking', 'noupdate'])
})

test('a manifest that cannot be had after the files is a change: the version before stays, and it is tried again', async () => {
  for (const lost of [{ status: 404 }, { status: 410 }, { status: 500 }, { error: true }]) {
    const { world, page } = await visited()
    deploy(world, 'two')
    const manifest = world.server.get(`http://example.com${MANIFEST}`)
    world.put(MANIFEST, [manifest, lost, manifest])
    page.events.length = 0
    await world.call(page, 'update')
    assert.deepEqual(page.events, ['checking', 'downloading', 'progress', 'error'], JSON.stringify(lost))
    assert.deepEqual([page.details.at(-1).reason, page.status], ['changed', 'IDLE'])
    assert.equal((await world.load('a.js', page)).body, 'a.js one')
    await world.tick(3000)
    assert.deepEqual([page.events.at(-1), page.status], ['updateready', 'UPDATEREADY'])
  }
})

test('a manifest that is another whenever it is asked for is tried five times more, 3 s apart, and then left', async () => {
  const { world, page } = await visited()
  const manifest = world.server.get(`http://example.com${MANIFEST}`)
  world.put(MANIFEST, Array.from({ length: 40 }, (_, n) => ({ body: `${manifest.body}\n# ${n}` })))
  page.details.length = 0
  world.asked.length = 0
  const attempts = () => world.asked.filter((url) => url.endsWith(MANIFEST)).length / 2
  await world.call(page, 'update')
  for (let tries = 1; tries <= 6; tries++) {
    assert.equal(attempts(), tries)
    await world.tick(3000)
  }
  assert.equal(attempts(), 6)
  assert.ok(page.details.filter(({ type }) => type === 'error').every(({ reason }) => reason === 'changed'))
  assert.equal((await world.load('a.js', page)).body, 'a.js one')
})

test('a page and its fallback that both are of other manifests end a visit, and no reload follows the other', async () => {
  const world = new World()
  world.put('/m', { body: 'CACHE MANIFEST\n/d/x.html\nFALLBACK:\n/d/ /e/fb.html' })
  world.put('/i.html', { body: 'index', manifest: '/m' })
  world.put('/d/x.html', { body: 'x', manifest: '/other' })
  world.put('/e/fb.html', { body: 'instead', manifest: '../site2.appcache' })
  await world.visit('/i.html')
  assert.deepEqual((await world.visit('/d/x.html')).from, 'network')
  world.offline = true
  for (let again = 0; again < 2; again++) assert.equal((await world.visit('/d/x.html')).from, 'error')
})

test('of two caches the one that holds the page goes before the one with a fallback for it', async () => {
  const world = new World()
  world.put('/online', { body: 'CACHE MANIFEST\nSETTINGS:\nprefer-online' })
  world.put('/instead', { body: 'CACHE MANIFEST\nFALLBACK:\n/ /sorry' })
  world.put('/sorry', { body: 'sorry' })
  world.put('/page', { body: 'page', manifest: '/online' })
  world.put('/other', { body: 'other', manifest: '/instead' })
  await world.visit('/page')
  await world.visit('/other') // which has the newer cache
  world.offline = true
  assert.deepEqual((({ from, body }) => [from, body])(await world.visit('/page')), ['cache', 'page'])
  assert.equal((await world.visit('/nowhere')).from, 'fallback:http://example.com/sorry')
})

test('swapCache() takes a newer cache also while an update runs, whose status stays', async () => {
  const { world, page } = await visited()
  deploy(world, 'two')
  await world.call(page, 'update')
  assert.equal(page.status, 'UPDATEREADY')
  const { applicationCache } = page.window
  const seen = []
  const swap = () => {
    applicationCache.swapCache()
    seen.push(page.status)
    assert.throws(() => applicationCache.swapCache(), { name: 'InvalidStateError' })
  }
  for (const state of ['checking', 'downloading']) {
    deploy(world, `${state} to three`)
    applicationCache.addEventListener(state, swap, { once: true })
    await world.call(page, 'update')
    assert.equal(page.status, 'UPDATEREADY')
  }
  assert.deepEqual(seen, ['CHECKING', 'DOWNLOADING'])
  // that of before the last update
  assert.equal((await world.load('a.js', page)).body, 'a.js checking to three')
})

test('a manifest with a lifetime is not asked for while that lasts, and each answer begins it anew', async () => {
  const world = new World()
  const manifest = (word) => ({ body: `CACHE MANIFEST\n# ${word}`, headers: { 'cache-control': 'max-age=60' } })
  world.put(MANIFEST, manifest('one'))
  world.put('/', { body: 'page', manifest: MANIFEST })
  await world.visit('/')
  const next = async (seconds, word) => {
    world.now += seconds * 1000
    world.put(MANIFEST, manifest(word))
    world.asked.length = 0
    const { page } = await world.visit('/')
    return [world.asked.length > 0, page.events.at(-1)]
  }
  assert.deepEqual(await next(59, 'two'), [false, 'noupdate'])
  assert.deepEqual(await next(1, 'one'), [true, 'noupdate'])
  assert.deepEqual(await next(59, 'two'), [false, 'noupdate'])
  assert.deepEqual(await next(1, 'two'), [true, 'updateready'])
})

test('an update fetches the hundred pages that were kept last, not all that ever were', async () => {
  const { world, page } = await visited()
  const address = (n) => `/p?${n}`
  for (let n = 0; n < 200; n++) {
    world.put(address(n), { body: `p ${n}`, manifest: MANIFEST })
    await world.visit(address(n))
  }
  deploy(world, 'two')
  world.asked.length = 0
  await world.call(page, 'update')
  assert.equal(page.events.at(-1), 'updateready')
  // the manifest twice, and three files
  assert.equal(world.asked.length, 105)
  world.pages.clear()
  world.offline = true
  assert.equal((await world.visit(address(199))).from, 'cache')
  assert.equal((await world.visit(address(100))).from, 'cache')
  assert.equal((await world.visit(address(99))).from, 'error')
})

test('the compatible profile leaves out a listed file with no-store, be it a visited page or not', async () => {
  const world = new World({ profile: { skipsNoStore: true } })
  const secret = { 'cache-control': 'no-store' }
  deploy(world, 'one', 'CACHE:\n/listed')
  world.put('/listed', { body: 'listed', manifest: MANIFEST })
  world.put('/x.js', { body: 'x', headers: secret })
  await world.visit('/')
  const { page } = await world.visit('/listed')
  deploy(world, 'two', 'CACHE:\n/listed\n/x.js')
  world.put('/listed', { body: 'listed', manifest: MANIFEST, headers: secret })
  await world.call(page, 'update')
  assert.equal(page.events.at(-1), 'updateready')
  assert.equal((await world.visit('/listed')).from, 'network')
  deploy(world, 'three')
  world.put('away.html', { body: 'away', headers: secret })
  await world.call(page, 'update')
  assert.equal(page.events.at(-1), 'error') // a fallback that is not there is a promise broken
})

test('a page that is reached by a redirect is that of its last address, also when there it is kept', async () => {
  const { world } = await visited()
  world.put('/old', { redirect: '/other', status: 301 })
  const first = await world.visit('/old')
  assert.deepEqual([first.from, first.page.url], ['network', 'http://example.com/other'])
  assert.deepEqual((await world.visit('/old')).from, 'cache')
  world.put('/loop', { redirect: '/loop', status: 302 })
  assert.equal((await world.visit('/loop')).from, 'error')
})

test('a file that is redirected to another origin has its fallback, and one that stays has not', async () => {
  const { world, page } = await visited()
  world.put('http://other.example/x', { body: 'elsewhere' })
  world.put('/here', { body: 'here' })
  world.put('/away/x', { redirect: 'http://other.example/x', status: 302 })
  world.put('/away/y', { redirect: '/here', status: 302 })
  assert.equal((await world.load('/away/x', page)).from, 'fallback:http://example.com/away.html')
  assert.deepEqual(await world.load('/away/y', page), { from: 'network', body: 'here' })
  // there and back
  world.put('/away/z', { redirect: 'http://other.example/back', status: 302 })
  world.put('http://other.example/back', { redirect: 'http://example.com/here', status: 302 })
  assert.equal((await world.load('/away/z', page)).from, 'fallback:http://example.com/away.html')
})

test('the page that is kept is the one that was loaded, though the server has another since', async () => {
  const world = new World()
  deploy(world, 'one')
  world.put('/', [{ body: 'seen', manifest: MANIFEST }, { body: 'unseen', manifest: MANIFEST }])
  await world.visit('/')
  assert.deepEqual((await world.visit('/')).body, 'seen')
})

test('abort() ends an update, and the version before stays', async () => {
  const { world, page } = await visited()
  deploy(world, 'two')
  page.events.length = 0
  page.window.applicationCache.update()
  page.window.applicationCache.abort()
  await world.quiet()
  assert.deepEqual(page.events, ['checking', 'error'])
  assert.equal(page.details.at(-1).reason, 'abort')
  assert.equal(await wordOffline(world), 'one')
})

test('calls that have nothing to work on are refused, as they were', async () => {
  const world = new World()
  world.put('/plain', { body: 'no manifest' })
  const { page } = await world.visit('/plain')
  assert.deepEqual([page.status, page.events], ['UNCACHED', []])
  for (const call of ['update', 'swapCache']) assert.equal(await world.call(page, call), 'InvalidStateError')
  assert.equal(await world.call(page, 'abort'), null)
  const { world: other, page: kept } = await visited()
  assert.equal(await other.call(kept, 'swapCache'), 'InvalidStateError')
  // a manifest that is gone: swapCache() frees the page
  other.put(MANIFEST, null)
  await other.call(kept, 'update')
  assert.deepEqual([kept.events.at(-1), kept.status], ['obsolete', 'OBSOLETE'])
  assert.equal((await other.load('a.js', kept)).from, 'cache')
  assert.equal(await other.call(kept, 'swapCache'), null)
  assert.equal(kept.status, 'UNCACHED')
  assert.equal((await other.load('a.js', kept)).from, 'network')
})

test('a manifest that is gone makes its group obsolete, though nothing can be written any more', async () => {
  const { world, page } = await visited()
  world.put(MANIFEST, null)
  world.putsLeft = 0
  await world.call(page, 'update')
  assert.deepEqual([page.events.at(-1), page.status], ['obsolete', 'OBSOLETE'])
  world.pages.clear()
  assert.equal((await world.visit('/')).from, 'network')
})

test('versions and records that nobody needs go, and a page in another tab keeps its own', async () => {
  const { world, page } = await visited()
  for (const word of ['two', 'three', 'four']) {
    deploy(world, word)
    world.now += 120_000
    await world.visit('/')
  }
  // that of the page, and those of the pages that came since
  assert.equal(versions(world), 4)
  assert.equal((await world.load('a.js', page)).body, 'a.js one')
  world.pages.clear()
  world.pages.set(page.id, page)
  world.now += 120_000
  world.start() // which finds clients that it does not know to be gone
  await world.visit('/')
  world.now += 120_000
  await world.visit('/')
  assert.equal(versions(world), 2)
  assert.equal((await world.load('a.js', page)).body, 'a.js one')
  world.pages.clear()
  world.now += 120_000
  await world.visit('/')
  assert.equal(versions(world), 1)
  const index = world.caches.get('revisit|http://example.com/||appcache')
  const kinds = [...index.entries.keys()].map((url) => url.split('/appcache/')[1].split('/')[0])
  assert.deepEqual(kinds.sort(), ['tab', 'version'])
})

test('a storage that cannot be read leaves pages to the network', async () => {
  const { world } = await visited()
  world.start()
  for (const cache of world.caches.values()) cache.keys = () => Promise.reject(new Error('corrupt'))
  const { from } = await world.visit('/')
  assert.equal(from, 'network')
})

test('a range of what is kept is cut out of it', async () => {
  const { world, page } = await visited()
  const ask = async (range) => {
    const request = {
      url: 'http://example.com/a.js',
      method: 'GET',
      mode: 'cors',
      headers: new Headers({ range }),
      signal: new AbortController().signal,
    }
    const response = await world.handle('fetch', { request, clientId: page.id, resultingClientId: '' })
    return [response.status, response.headers.get('content-range'), await response.text()]
  }
  assert.deepEqual(await ask('bytes=0-3'), [206, 'bytes 0-3/8', 'a.js'])
  assert.deepEqual(await ask('bytes=-3'), [206, 'bytes 5-7/8', 'one'])
  assert.deepEqual(await ask('bytes=99-'), [416, 'bytes */8', ''])
  assert.deepEqual((await ask('bytes=3-1'))[0], 200)
})

test('only a lifetime that the server gave keeps a file from being asked for', () => {
  const at = Date.UTC(2026, 0, 1)
  const check = (fields, seconds, expected) =>
    assert.equal(fresh(new Headers(fields), at, at + seconds * 1000), expected, `${JSON.stringify(fields)} ${seconds}`)
  check({ 'cache-control': 'max-age=60' }, 59, true)
  check({ 'cache-control': 'max-age=60' }, 60, false)
  check({ 'cache-control': 'public, Max-Age=60, max-age=1', age: '50' }, 9, true)
  check({ 'cache-control': 'max-age=60', age: '50' }, 10, false)
  check({ 'cache-control': 'max-age=60, no-cache' }, 0, false)
  check({ 'cache-control': 'max-age=60', vary: 'cookie, *' }, 0, false)
  check({ 'cache-control': 'max-age=-1' }, 0, false)
  check({ 'last-modified': new Date(0).toUTCString() }, 0, false)
  const [date, expires] = [new Date(at).toUTCString(), new Date(at + 60_000).toUTCString()]
  check({ date, expires }, 59, true)
  check({ date, expires }, 60, false)
  check({ expires: '0' }, 0, false)
  check({ date, expires, 'cache-control': 'max-age=1' }, 2, false)
})

test('events wait for the page, in order, with one progress; handlers and listeners run as elsewhere', async () => {
  const { world } = await visited()
  deploy(world, 'two')
  world.isSlow = true
  const { page } = await world.visit('/')
  const { applicationCache } = page.window
  const heard = []
  applicationCache.onupdateready = () => heard.push('never: it is replaced')
  applicationCache.addEventListener('updateready', (event) => heard.push(event.defaultPrevented))
  applicationCache.onupdateready = function () {
    heard.push(this === applicationCache)
    return false
  }
  applicationCache.onprogress = 'no function'
  assert.equal(applicationCache.onprogress, null)
  const plain = { handleEvent: () => heard.push('never: it is no function') }
  applicationCache.onprogress = plain
  assert.equal(applicationCache.onprogress, plain)
  assert.deepEqual([page.events, applicationCache.status], [[], 4])
  page.onload()
  assert.deepEqual(page.events, ['checking', 'downloading', 'progress', 'updateready'])
  const last = page.details[2]
  assert.deepEqual([last.loaded, last.total, last.type], [4, 4, 'progress'])
  assert.deepEqual(heard, [true, true])
})

test('listeners are objects too, once or until they are removed; a handler that is taken away loses its place', async () => {
  const { world, page } = await visited()
  const { applicationCache } = page.window
  const heard = []
  const listener = { handleEvent: (event) => heard.push(`object ${event.type}`) }
  const never = () => heard.push('never: it is removed')
  applicationCache.addEventListener('noupdate', listener)
  applicationCache.addEventListener('noupdate', () => heard.push('once'), { once: true })
  applicationCache.addEventListener('noupdate', never)
  applicationCache.removeEventListener('noupdate', never)
  applicationCache.onnoupdate = () => heard.push('first')
  applicationCache.onnoupdate = null
  applicationCache.addEventListener('noupdate', () => heard.push('listener'))
  applicationCache.onnoupdate = () => heard.push('handler')
  await world.call(page, 'update')
  assert.deepEqual(heard.splice(0), ['object noupdate', 'once', 'listener', 'handler'])
  await world.call(page, 'update')
  assert.deepEqual(heard, ['object noupdate', 'listener', 'handler'])
})

test('an update that a page asks for before the worker has said what it has is none too many', async () => {
  const { world, page } = await visited()
  world.pages.clear()
  world.eager = true
  world.asked.length = 0
  const { page: eager } = await world.visit('/')
  assert.deepEqual([eager.thrown, eager.events], [undefined, ['checking', 'noupdate']])
  assert.deepEqual(world.asked, [`http://example.com${MANIFEST}`])
  world.put('/plain', { body: 'no manifest' })
  assert.equal((await world.visit('/plain')).page.thrown, 'InvalidStateError')
  assert.equal(page.status, 'IDLE')
})

test('the interface is there with its constants, and makes no second one', async () => {
  const { page } = await visited()
  const { applicationCache, ApplicationCache } = page.window
  const names = ['UNCACHED', 'IDLE', 'CHECKING', 'DOWNLOADING', 'UPDATEREADY', 'OBSOLETE']
  for (const [value, name] of names.entries()) {
    for (const on of [ApplicationCache, applicationCache, ApplicationCache.prototype]) {
      assert.equal(on[name], value)
      assert.throws(() => (on[name] = 7), TypeError)
    }
  }
  assert.ok(applicationCache instanceof ApplicationCache && applicationCache instanceof EventTarget)
  assert.equal(`${applicationCache}`, '[object ApplicationCache]')
  assert.throws(() => new ApplicationCache(), TypeError)
})
