// A browser and a server without either: what the worker and the shim need of the platform, over maps, with a time
// of the test's own. Worker and shim are the very code that sites get, joined as the generator does.

import { readFileSync } from 'node:fs'

const text = (file) => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')

/** A module and what it imports, each once and before those that import it. */
function join(file, seen = new Set(['./config.js'])) {
  const code = text(file)
  const before = [...code.matchAll(/^import [^']*'([^']*)'$/gm)].map(([, other]) => {
    if (seen.has(other)) return ''
    seen.add(other)
    return join(other, seen)
  })
  return before.join('') + code.replace(/^import [^']*'[^']*'$/gm, '').replace(/^export /gm, '')
}

const WORKER = join('start.js')
const SHIM = text('page/shim.js')

/** What a platform says of a response beside what it can be made with. */
function describe(response, more) {
  for (const [name, value] of Object.entries(more)) Object.defineProperty(response, name, { value, configurable: true })
  return response
}

/** As much of a cache as the worker uses. */
class Cache {
  entries = new Map()
  constructor(world) {
    this.world = world
  }
  async put(request, response) {
    const { url, headers } = new Request(request)
    const body = await response.arrayBuffer()
    if (this.world.putsUntilKill-- === 0) return this.world.kill()
    const isFull = this.world.entries() >= this.world.entriesMax
    if (this.world.putsLeft-- <= 0 || isFull) throw Object.assign(new Error('no room'), { name: 'QuotaExceededError' })
    if (response.status === 206 || response.headers.get('vary') === '*') throw new TypeError('not for a cache')
    this.entries.set(url, { headers, body, status: response.status, fields: [...response.headers] })
  }
  async match(request) {
    const url = new Request(request).url.replace(/#.*/, '')
    const kept = this.entries.get(url)
    if (!kept) return undefined
    const { body, status, fields } = kept
    return Object.assign(new Response(body.slice(0), { status, headers: fields }), { entry: url })
  }
  async keys(request) {
    const wanted = request && new Request(request).url
    const found = [...this.entries].filter(([url]) => !wanted || url === wanted)
    return found.map(([url, { headers }]) => ({ url, headers }))
  }
  async delete(request) {
    if (this.world.deletesUntilKill-- === 0) return this.world.kill()
    return this.entries.delete(new Request(request).url)
  }
}

/** A page with the shim in it, and the events that it has heard. */
class Page {
  events = []
  details = []
  manifest = null
  /** As `document.readyState` and the load event have it. */
  isLoaded = true
  constructor(world, url) {
    this.isLoaded = !world.isSlow
    this.id = `client-${++world.lastClient}`
    this.url = url
    const container = Object.assign(new EventTarget(), {
      controller: { postMessage: (data) => world.handle('message', { data, ports: [], source: this }) },
      startMessages() {},
      ready: Promise.resolve({}),
      register: async () => {},
    })
    this.postMessage = (data) => container.dispatchEvent(Object.assign(new Event('message'), { data }))
    const window = (this.window = {})
    this.start = () => {
      const given = {
        window,
        document: { documentElement: { getAttribute: () => this.manifest }, readyState: this.isLoaded ? 'complete' : 'loading' },
        location: { href: url, reload: () => (this.again = true) },
        navigator: { serviceWorker: container },
        addEventListener: (name, work) => (this[name === 'load' ? 'onload' : name] ||= work),
        setTimeout: (work) => work(),
        ProgressEvent: class extends Event {
          constructor(name, { loaded, total }) {
            super(name)
            Object.assign(this, { loaded, total })
          }
        },
        WORKER: '/sw.js',
        SCOPE: '/',
        ATTRIBUTE: 'manifest',
      }
      new Function(...Object.keys(given), SHIM)(...Object.values(given))
      for (const name of ['checking', 'error', 'noupdate', 'downloading', 'progress', 'updateready', 'cached', 'obsolete']) {
        window.applicationCache.addEventListener(name, (event) => {
          this.details.push(event)
          if (!(name === 'progress' && this.events.at(-1) === name)) this.events.push(name)
        })
      }
      try {
        if (world.eager) window.applicationCache.update()
      } catch (error) {
        this.thrown = error.name
      }
    }
  }
  get status() {
    const { applicationCache } = this.window
    if (!applicationCache) return 'UNCACHED'
    return ['UNCACHED', 'IDLE', 'CHECKING', 'DOWNLOADING', 'UPDATEREADY', 'OBSOLETE'].find(
      (name) => applicationCache[name] === applicationCache.status,
    )
  }
}

export class World {
  caches = new Map()
  server = new Map()
  /** What came last of each URL, as the HTTP cache has it. */
  loaded = new Map()
  pages = new Map()
  asked = []
  offline = false
  /** Pages ask for an update with their first script. */
  eager = false
  /** Pages are made that have not loaded yet. */
  isSlow = false
  putsLeft = Infinity
  /** Of all caches together. */
  entriesMax = Infinity
  putsUntilKill = -1
  deletesUntilKill = -1
  /** What the browser says is kept, where that is not what is there. @type {number | undefined} */
  counted
  /** Until then a list of clients that was asked for is on its way. @type {Promise<void> | undefined} */
  listed
  now = 1_600_000_000_000
  lastClient = 0

  constructor({ scope = 'http://example.com/', ...config } = {}) {
    this.scope = scope
    this.config = { site: '', profile: {}, stallMs: 30_000, seizes: false, ...config }
    this.start()
  }

  /** A worker that knows nothing but what is in the caches, as after a kill. */
  start() {
    this.listeners = {}
    this.timers = []
    const alive = {}
    this.alive = alive
    const world = this
    /** Nothing that an ended worker waits for comes. */
    const live = (work) =>
      new Promise((resolve, reject) => {
        const ended = () => world.alive !== alive
        if (ended()) return
        Promise.resolve(work()).then(
          (value) => ended() || resolve(value),
          (error) => ended() || reject(error),
        )
      })
    const opened = (cache) =>
      Object.fromEntries(
        ['put', 'match', 'keys', 'delete'].map((method) => [method, (...given) => live(() => cache[method](...given))]),
      )
    const cacheStorage = {
      has: (name) => live(() => world.caches.has(name)),
      keys: () => live(() => [...world.caches.keys()]),
      delete: (name) =>
        live(() => (world.deletesUntilKill-- === 0 ? world.kill() : world.caches.delete(name))),
      open: (name) =>
        live(() => {
          if (!world.caches.has(name)) world.caches.set(name, new Cache(world))
          return opened(world.caches.get(name))
        }),
      match: (request, { cacheName }) => live(() => world.caches.get(cacheName)?.match(request)),
    }
    const given = {
      self: {
        registration: { scope: this.scope, active: null },
        navigator: {
          locks: { request: async (_, work) => work() },
          storage: { estimate: async () => ({ usage: world.counted ?? world.entries() }) },
          get onLine() {
            return !world.offline
          },
        },
        clients: {
          async matchAll() {
            const there = [...world.pages.values()]
            await world.listed
            return there
          },
          claim: async () => {},
        },
        skipWaiting: async () => {},
        addEventListener: (name, listener) => (world.listeners[name] = listener),
      },
      caches: cacheStorage,
      fetch: (url, init) => live(() => world.fetch(url, init)),
      Date: class extends Date {
        static now = () => world.now
      },
      setTimeout: (work, ms) => world.timers.push({ work, ms }),
      clearTimeout: (id) => delete world.timers[id - 1],
      console: { warn: () => {} },
      config: this.config,
    }
    new Function(...Object.keys(given), WORKER)(...Object.values(given))
  }

  /** The worker is ended; what the call of this would bring never comes. */
  kill() {
    this.start()
    return new Promise(() => {})
  }

  /** How much is kept. */
  entries() {
    return [...this.caches.values()].reduce((sum, { entries }) => sum + entries.size, 0)
  }

  /** What the server says of a URL from now on; an array is a queue of answers; nothing: 404. */
  put(address, answer) {
    if (answer) this.server.set(new URL(address, this.scope).href, answer)
    else this.server.delete(new URL(address, this.scope).href)
  }

  async fetch(asked, init = {}, hops = 0) {
    const url = (asked.url || asked).replace(/#.*/, '')
    const method = init.method || asked.method || 'GET'
    await undefined
    if (init.signal?.aborted) throw init.signal.reason
    let answer = init.cache === 'force-cache' ? this.loaded.get(url) : undefined
    if (!answer) {
      this.asked.push(url)
      answer = this.server.get(url)
      // the last of a queue repeats
      if (Array.isArray(answer)) answer = answer.length > 1 ? answer.shift() : answer[0]
      if (this.offline || answer?.error) throw new TypeError('no network')
      answer ||= { status: 404, body: 'not found' }
      if (method === 'GET') this.loaded.set(url, answer)
    }
    const { status = 200, body = '', headers = {}, redirect, manifest } = answer
    const fields = new Headers(headers)
    if (redirect) {
      const to = new URL(redirect, url).href
      if ((init.redirect || asked.redirect) === 'manual') return describe(Response.error(), { type: 'opaqueredirect', to })
      if (hops > 20) throw new TypeError('it leads in a circle')
      const end = await this.fetch(to, { ...init, method }, hops + 1)
      // what has left its origin once does not become its own again
      const type = new URL(to).origin === new URL(url).origin ? end.type : 'cors'
      return describe(end, { redirected: true, type, url: end.url || to.replace(/#.*/, '') })
    }
    const conditions = new Headers(init.headers)
    const meets = (field, condition) => fields.has(field) && conditions.get(condition) === fields.get(field)
    const modified = fields.has('etag') ? !meets('etag', 'if-none-match') : !meets('last-modified', 'if-modified-since')
    if (status === 200 && !modified) return new Response(null, { status: 304 })
    if (manifest) fields.set('x-manifest', manifest)
    return describe(new Response(body, { status, headers: fields }), { type: 'basic' })
  }

  /** Has the worker handle an event. */
  async handle(name, event) {
    let answer
    this.listeners[name]({ ...event, respondWith: (given) => (answer = given), waitUntil: (work) => work?.catch?.(() => {}) })
    return answer
  }

  /** Until nothing more happens without a timer. */
  async quiet() {
    for (let turns = 0, last = -1; turns < 5 || last !== this.asked.length; turns++) {
      last = this.asked.length
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** What was put off by so many milliseconds happens now. */
  async tick(ms) {
    for (const timer of this.timers.splice(0)) if (timer?.ms === ms) timer.work()
    await this.quiet()
  }

  /** Loads a page: what answered, and the page, if there is one. */
  async visit(address, method = 'GET', hops = 0) {
    const url = new URL(address, this.scope).href
    const { from, response, page } = await this.request(url, { method, mode: 'navigate', redirect: 'manual' })
    if (!response) return { from, page }
    // each hop is a request of its own, of which the worker hears if it is one of the site
    if (response.to) return hops < 20 ? this.visit(response.to, method, hops + 1) : { from: 'error', page }
    this.pages.set(page.id, page)
    if (url.startsWith(this.scope)) page.start()
    await this.quiet()
    if (!page.again) return { from, body: await response.text(), page }
    this.pages.delete(page.id)
    if (hops >= 20) throw new Error(`${address} is loaded over and over`)
    return this.visit(address, method, hops + 1)
  }

  /** What a page loads. */
  async load(address, page, method = 'GET') {
    const { from, response } = await this.request(new URL(address, page.url).href, { method, mode: 'cors', page })
    await this.quiet()
    return { from, body: await response?.text() }
  }

  async request(url, { method, mode, redirect, page }) {
    const request = { url, method, mode, redirect, headers: new Headers(), signal: new AbortController().signal }
    const made = page ? undefined : new Page(this, url)
    const ids = { clientId: page?.id || '', resultingClientId: made?.id || '' }
    let response
    try {
      const ours = page || url.startsWith(this.scope)
      response = ours && (await this.handle('fetch', { request, ...ids }))
      response ||= await this.fetch(request)
    } catch {
      response = undefined
    }
    if (!response || response.type === 'error') return { from: 'error', page: made }
    if (made) made.manifest = response.headers.get('x-manifest')
    const { entry } = response
    const from = !entry ? 'network' : entry === url.replace(/#.*/, '') ? 'cache' : `fallback:${entry}`
    return { from, response, page: made }
  }

  /** Calls the API; the name of what it throws, if it does. */
  async call(page, method) {
    // a document of the browser's own, where a page could not be had, has one as well
    if (!page.window.applicationCache) return method === 'abort' ? null : 'InvalidStateError'
    try {
      page.window.applicationCache[method]()
      await this.quiet()
      return null
    } catch (error) {
      return error.name
    }
  }
}
