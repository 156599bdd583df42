// The page's side: registers the worker, says what it does, and updates when the page asks.
//
// `window.revisit` is an EventTarget. Its state is one of `installing`, `installed` (the shell is
// there: the site starts offline), `updateready` (a newer build than this page's is at hand: call
// `update()`) and `failed`. Events: each state by its name; `progress` (detail: done, total, in
// bytes), `complete` (every file that is kept ahead of time is there), `degraded` (something could
// not be had as it should: the site works, but somebody should look), `online`, `offline`.
// The page is never reloaded unless it calls `update()`.

export class Revisit extends EventTarget {
  /** @type {'' | 'installing' | 'installed' | 'updateready' | 'failed'} What was said last. */
  state = ''

  /** The build that this page was loaded with; empty until the worker has said it. */
  build = ''

  /** Is every file here that is kept ahead of time? */
  complete = false

  /** @type {ServiceWorkerRegistration | undefined} */
  registration

  /** Is there a network at all? */
  get online() {
    return navigator.onLine
  }

  /** Asks the server for a newer build; `updateready` follows if there is one. */
  async check() {
    checked = Date.now()
    await this.registration?.update()
  }

  /** Lets the build that waits take over, then loads this page anew. */
  async update() {
    const waiting = this.registration?.waiting
    if (waiting) {
      waiting.postMessage({ type: 'SKIP_WAITING' })
      // A browser lets it wait while the worker before has anything to do; a person waits no longer.
      const there = await Promise.race([
        settled(waiting, 'activated'),
        new Promise((resolve) => setTimeout(resolve, 5000)),
      ])
      if (!there) owed(true)
    }
    location.reload()
  }

  /**
   * @param {string} name
   * @param {any} [detail]
   */
  say(name, detail) {
    if (STATES.test(name)) this.state = /** @type {Revisit['state']} */ (name)
    this.dispatchEvent(new CustomEvent(name, { detail }))
  }
}

const STATES = /^(installing|installed|updateready|failed)$/

/**
 * @param {ServiceWorker} worker
 * @param {ServiceWorkerState} wanted
 * @returns {Promise<boolean>} False if it ended as redundant.
 */
const settled = (worker, wanted) =>
  new Promise((resolve) => {
    const look = () => {
      if (worker.state === wanted || (wanted === 'installed' && /^activat/.test(worker.state))) resolve(true)
      if (worker.state === 'redundant') resolve(false)
    }
    worker.addEventListener('statechange', look)
    look()
  })

/**
 * Notes for the page that is loaded next that it is to be of the newest build. If the worker before
 * still answers it, that load is what ends its work: the second one has what was asked for.
 *
 * @param {boolean} [is]
 * @returns {boolean} What was noted before.
 */
function owed(is) {
  try {
    const was = !!sessionStorage.getItem('revisit')
    if (is) sessionStorage.setItem('revisit', 'update')
    else sessionStorage.removeItem('revisit')
    return was
  } catch {
    return false // no storage for this page
  }
}

/** @type {Revisit} The page's own. */
let revisit

const tag = /** @type {HTMLScriptElement | null} */ (document.currentScript)

/** The folder that the worker answers for. */
export const root = new URL('../', tag?.src || location.href)

const marker = tag?.dataset.revisit

/** Did this page come past every worker? */
const uncontrolled = !navigator.serviceWorker?.controller

/** When the server was last asked for a newer build. */
let checked = Date.now()

/** @param {object} payload */
const say = (payload) => revisit.registration?.active?.postMessage({ type: 'REVISIT', payload })

/** Says to the worker which page this is; it answers with the build. */
const hello = (/** @type {object} */ more = {}) => say({ hello: { build: revisit.build, marker, ...more } })

/** Is the line too slow, or too dear, for what nobody has asked for yet? */
export function spares() {
  const { saveData, effectiveType = '' } = /** @type {any} */ (navigator).connection || {}
  return saveData || /2g|3g/.test(effectiveType)
}

/** When the page has nothing else to do. */
export const atLeisure = (/** @type {() => void} */ go) =>
  'requestIdleCallback' in window ? requestIdleCallback(go, { timeout: 10_000 }) : setTimeout(go, 1000)

/** The rest of the site is fetched, and what is kept is looked over. */
function idle() {
  if (spares()) return
  atLeisure(() => {
    // Chromium lets a build wait for minutes more when a message wakes the worker that it replaces.
    if (!revisit.registration?.waiting) say({ idle: true })
  })
}

/** @param {any} payload What `tell` and `greet` of the worker have said. */
function heard(payload) {
  const { event, build, newest } = payload
  if (event === 'build') {
    revisit.build = build || ''
    revisit.complete = !!payload.complete
    // Loaded with an older build, or before any worker: what is newer is at hand already.
    const again = owed()
    if (build !== newest) return again ? location.reload() : revisit.say('updateready')
    return idle()
  }
  // of another build this page need not hear that
  if (event === 'complete' && build !== revisit.build) return
  if (event === 'complete') {
    revisit.complete = true
    // This page too is kept by now, and can be compared: it came from the server, not from a worker.
    if (uncontrolled) hello()
  }
  if (payload.reason === 'rewritten') {
    console.warn(`revisit: ${payload.url} is changed on its way by the server; see [site] verify_pages`)
  }
  revisit.say(event, payload)
}

/** @type {ServiceWorker | undefined} */
let watched

/** @param {ServiceWorkerRegistration} registration */
function watch(registration) {
  const { installing, active } = registration
  // Registering both finds it there and hears of it.
  if (!installing || installing === watched) return
  watched = installing
  revisit.say('installing')
  void (async () => {
    if (!(await settled(installing, 'installed'))) {
      // The worker said why, if it could; a worker that was stopped could not.
      if (revisit.state === 'installing') revisit.say('failed', { reason: 'stopped' })
    } else if (!active) {
      if (!(await settled(installing, 'activated'))) return
      revisit.say('installed')
      hello()
    } else if (registration.waiting === installing) {
      revisit.say('updateready')
    }
  })()
}

async function register() {
  navigator.serviceWorker.addEventListener('message', ({ data }) => {
    if (data?.type === 'REVISIT') heard(data.payload)
  })
  navigator.serviceWorker.startMessages()
  try {
    const registration = await navigator.serviceWorker.register(new URL(WORKER, root), {
      scope: root.pathname,
      // a change of anything the worker imports must be found, whatever lifetime it was given
      updateViaCache: 'none',
    })
    revisit.registration = registration
    registration.addEventListener('updatefound', () => watch(registration))
    // Another tab may have let a newer build take over.
    navigator.serviceWorker.addEventListener('controllerchange', () => hello())
    if (registration.active) hello()
    if (registration.waiting) revisit.say('updateready')
    else if (registration.installing) watch(registration)
    else if (registration.active) revisit.state = 'installed'
  } catch (error) {
    revisit.say('failed', { reason: 'register', error: String(error) })
  }
}

/** A page that is left open for days hears of a newer build, and asks no more often than it must. */
function lookForUpdate() {
  if (CHECK_MS && document.visibilityState === 'visible' && Date.now() - checked >= CHECK_MS) {
    // offline, or a server in trouble: the next look is not far
    revisit.check().catch(() => {})
  }
}

/**
 * After the page: what it loads itself comes first, and is then in the HTTP cache for the worker.
 *
 * @param {Revisit} made
 */
export function begin(made) {
  revisit = made
  Object.assign(window, { revisit })
  dispatchEvent(new Event('revisit'))
  if (!('serviceWorker' in navigator)) return
  if (document.readyState === 'complete') void register()
  else addEventListener('load', () => void register())
  addEventListener('pagehide', ({ persisted }) => persisted && hello({ parked: true }))
  addEventListener('pageshow', ({ persisted }) => persisted && hello())
  addEventListener('visibilitychange', lookForUpdate)
  for (const name of ['online', 'offline']) {
    addEventListener(name, () => {
      revisit.say(name)
      lookForUpdate()
    })
  }
  if (CHECK_MS) setInterval(lookForUpdate, Math.min(CHECK_MS, 60_000))
}
