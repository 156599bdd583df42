// `window.applicationCache`, over a service worker. It stands in the page itself, before all other scripts,
// which find what browsers had (HTML 5.1, W3C, 2016, "application cache API").
//
// The worker says what happens; here events wait until the page has loaded, and the calls of the API are checked.

/** @typedef {{appcache: string, status: number, newer?: boolean, kept?: boolean, again?: boolean, loaded?: number, total?: number}} Said */

const NAMES = ['checking', 'error', 'noupdate', 'downloading', 'progress', 'updateready', 'cached', 'obsolete']
const STATUSES = ['UNCACHED', 'IDLE', 'CHECKING', 'DOWNLOADING', 'UPDATEREADY', 'OBSOLETE']
const [UNCACHED, IDLE, , , UPDATEREADY, OBSOLETE] = STATUSES.keys()

/** What `status` says. */
let current = UNCACHED

/** Is there a newer cache than the page's? Also while an update runs, which is what `status` says then. */
let isNewer = false

/** Has the page a cache? `status` says it only while no update runs. */
let isKept = false

/** Was the last event one that others follow? */
let isUnderWay = false

const refuse = (/** @type {string} */ why) => {
  throw new DOMException(why, 'InvalidStateError')
}

/** Pages make none of their own. */
let isMade = false

class ApplicationCache extends EventTarget {
  constructor() {
    if (isMade) throw new TypeError('Illegal constructor')
    super()
    isMade = true
  }

  get [Symbol.toStringTag]() {
    return 'ApplicationCache'
  }

  get status() {
    return current
  }

  update() {
    // a page of a cache has it before the worker has said so
    const isUnknown = current === UNCACHED && !isHeard && manifest && workers?.controller
    if (current === OBSOLETE || (current === UNCACHED && !isUnknown)) refuse('there is no application cache to update')
    say('update')
  }

  abort() {
    say('abort')
  }

  swapCache() {
    if (!isNewer && current !== OBSOLETE) refuse('there is no newer application cache')
    if (current === OBSOLETE) current = UNCACHED
    if (current === UPDATEREADY) current = IDLE
    isNewer = false
    say('swap')
  }
}

for (const [value, name] of STATUSES.entries()) {
  for (const on of [ApplicationCache, ApplicationCache.prototype]) Object.defineProperty(on, name, { value, enumerable: true })
}

for (const name of NAMES) {
  /** @type {unknown} */
  let handler = null
  /** @param {Event} event */
  const call = function (event) {
    // @ts-ignore `this` is the one object that there is
    if (typeof handler === 'function' && handler.call(this, event) === false) event.preventDefault()
  }
  Object.defineProperty(ApplicationCache.prototype, `on${name}`, {
    configurable: true,
    enumerable: true,
    get: () => handler,
    set(wanted) {
      // what is no function may stand there, and is not called
      handler = wanted && /^(function|object)$/.test(typeof wanted) ? wanted : null
      // the same listener again changes nothing: it keeps its place among the others
      this[handler ? 'addEventListener' : 'removeEventListener'](name, call)
    },
  })
}

const cache = new ApplicationCache()
Object.defineProperty(window, 'applicationCache', { value: cache, configurable: true, enumerable: true })
Object.defineProperty(window, 'ApplicationCache', { value: ApplicationCache, configurable: true, writable: true })

/** Scripts of the page may change it by `history`. */
const address = location.href

/** Which manifest the page names: read once, and before any `<base>`. */
const manifest = (() => {
  const written = document.documentElement.getAttribute(ATTRIBUTE)
  try {
    return written ? new URL(written, address).href.replace(/#.*/, '') : ''
  } catch {
    return ''
  }
})()

/** Events that came before the page was there. @type {Said[]} */
let queue = []
let isLoaded = false

/** @param {Said} said */
function hear(said) {
  current = said.status
  isNewer = !!said.newer
  isKept = !!said.kept
  if (said.appcache) isUnderWay = /^(checking|downloading|progress)$/.test(said.appcache)
  if (said.again) return location.reload() // this very document is another manifest's
  if (!said.appcache) return undefined
  if (isLoaded) return dispatch(said)
  // "of the queued progress events only the last"
  if (said.appcache === 'progress') queue = queue.filter(({ appcache }) => appcache !== 'progress')
  queue.push(said)
  return undefined
}

/** @param {Said & {state?: number}} said */
function dispatch({ appcache, loaded, total, state, status: _, newer: _newer, ...detail }) {
  const event =
    appcache === 'progress'
      ? new ProgressEvent(appcache, { cancelable: true, lengthComputable: true, loaded, total })
      : new Event(appcache, { cancelable: true })
  // as Chromium had it
  if (appcache === 'error') Object.assign(event, detail, { status: state || 0 })
  cache.dispatchEvent(event)
}

function loaded() {
  isLoaded = true
  // what listens for this may hear the load event itself first
  for (const said of queue.splice(0)) dispatch(said)
}

if (document.readyState === 'complete') loaded()
else addEventListener('load', () => setTimeout(loaded))

const workers = navigator.serviceWorker

/** @param {string} appcache @param {object} [more] */
const say = (appcache, more) => theirs()?.postMessage({ type: 'REVISIT', payload: { appcache, ...more } })

/** @type {ServiceWorker | null} Of a page that came past it. */
let active = null

/** Who answers for this page. */
const theirs = () => workers?.controller || active

/** Has a worker of this kind answered? */
let isHeard = false

/** @type {ServiceWorker | null} To whom this page is known. */
let greeted = null

function hello() {
  const worker = theirs()
  if (isHeard || worker === greeted) return
  greeted = worker
  say('hello', { manifest, url: address })
}

/** The back button has brought the page again. */
function back() {
  // What has become of its first download, which went on without it? It joins anew.
  if (!isKept && isUnderWay) say('hello', { manifest, url: address })
  else say('back', { status: isKept ? current : UNCACHED })
}

async function begin() {
  try {
    // a change of the worker must be found, whatever lifetime it was given
    await workers.register(WORKER, { scope: SCOPE, updateViaCache: 'none' })
    const { active: found } = await workers.ready
    if (workers.controller || !found) return
    active = found
    // before that it has nothing to say
    if (active.state === 'activated') hello()
    else active.addEventListener('statechange', hello)
  } catch (error) {
    fail(error)
  }
}

/** Without a worker nothing is kept, and whoever waits for an event gets the one that says so. */
function fail(/** @type {unknown} */ why) {
  if (!manifest || isHeard || workers?.controller) return
  hear({ appcache: 'checking', status: UNCACHED })
  hear({ ...{ reason: 'unknown', message: `${why}`, url: WORKER }, appcache: 'error', status: UNCACHED })
}

if (workers) {
  workers.addEventListener('message', ({ data }) => {
    if (data?.type !== 'REVISIT' || data.payload?.appcache === undefined) return
    isHeard = true
    hear(data.payload)
  })
  workers.startMessages()
  // A page whose worker is of another kind is heard by its successor.
  workers.addEventListener('controllerchange', hello)
  if (workers.controller) hello()
  if (document.readyState === 'complete') void begin()
  else addEventListener('load', () => void begin())
  addEventListener('pagehide', ({ persisted }) => persisted && say('parked'))
  addEventListener('pageshow', ({ persisted }) => persisted && back())
} else {
  fail('pages that are not secure have no service worker')
}
