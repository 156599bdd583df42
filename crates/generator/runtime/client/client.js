// The page's side: registers the worker, says what it does, and updates when the page asks.
//
// `window.revisit` is an EventTarget. Events: `progress` (detail: done, total, in bytes),
// `installed` (the site works offline from now on), `updateready` (a new build waits: call
// `update()`), `failed` (detail: url, reason, status), `degraded` (a pack could not be had and
// its files were fetched singly: the site works, but somebody should look). The page is never
// reloaded unless it calls `update()`.

class Revisit extends EventTarget {
  /** @type {'' | 'installing' | 'installed' | 'updateready' | 'failed'} What was said last. */
  state = ''

  /** @type {ServiceWorkerRegistration | undefined} */
  registration

  /** Lets the build that waits take over, then loads this page anew. */
  async update() {
    const waiting = this.registration?.waiting
    if (waiting) {
      waiting.postMessage({ type: 'SKIP_WAITING' })
      await settled(waiting, 'activated')
    }
    location.reload()
  }

  /**
   * @param {string} name
   * @param {unknown} [detail]
   */
  say(name, detail) {
    if (name !== 'progress' && name !== 'degraded') this.state = /** @type {Revisit['state']} */ (name)
    this.dispatchEvent(new CustomEvent(name, { detail }))
  }
}

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

const revisit = new Revisit()
Object.assign(window, { revisit })
dispatchEvent(new Event('revisit'))

const tag = /** @type {HTMLScriptElement | null} */ (document.currentScript)
const root = new URL('../', tag?.src || location.href)

/** @param {ServiceWorkerRegistration} registration */
function watch(registration) {
  const { installing, active } = registration
  if (!installing) return
  revisit.say('installing')
  void (async () => {
    if (!(await settled(installing, 'installed'))) {
      // The worker said why, if it could; a worker that was stopped could not.
      if (revisit.state !== 'failed') revisit.say('failed', { reason: 'stopped' })
    } else if (!active) {
      if (await settled(installing, 'activated')) revisit.say('installed')
    } else if (registration.waiting === installing) {
      revisit.say('updateready')
    }
  })()
}

async function register() {
  navigator.serviceWorker.addEventListener('message', ({ data }) => {
    if (data?.type === 'REVISIT') revisit.say(data.payload.event, data.payload)
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
    if (registration.waiting) revisit.say('updateready')
    else if (registration.installing) watch(registration)
    else if (registration.active) revisit.state = 'installed'
  } catch (error) {
    revisit.say('failed', { reason: 'register', error: String(error) })
  }
}

// After the page: what it loads itself comes first, and is then in the HTTP cache for the worker.
if ('serviceWorker' in navigator) {
  if (document.readyState === 'complete') void register()
  else addEventListener('load', () => void register())
}
