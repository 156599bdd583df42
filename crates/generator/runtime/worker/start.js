// The events of a worker, each handed to the module that knows what to do.

import { elsewise, lookUp, respond, seek } from './answer.js'
import { AHEAD, config, PRELOADS, ROUTED, SPEAKS } from './config.js'
import { failure } from './download.js'
import { check, complete, ensure, repair } from './ensure.js'
import { overhear } from './explain.js'
import { features } from './features.js'
import { scope, worker } from './global.js'
import { greet } from './greet.js'
import { emptied, forgetKind } from './keep.js'
import { crowded, generationOf, inherit, load, resolved, sweep, takeOver } from './tabs.js'
import { tell } from './tell.js'
import { awaited } from './wake.js'

/** @param {import('./features.js').Features} wanted */
export function start(wanted) {
  Object.assign(features, wanted)
  worker.addEventListener('install', (event) => event.waitUntil(install(event)))

  const install = async (/** @type {ExtendableEvent} */ event) => {
    try {
      await features.routes?.(event)
      // who preloads wants it otherwise
      if (!PRELOADS) await awaited(event)
      await ensure(config.build, true)
    } catch (error) {
      await tell('failed', failure(error) || { reason: `${error}` })
      throw error
    }
    await features.installed?.()
  }

  worker.addEventListener('activate', (event) => {
    event.waitUntil(
      (async () => {
        const before = await takeOver()
        // Once only: on an update it would throw pages out of the back-forward cache.
        if (!before) {
          await forgetKind('appcache')
          await worker.clients.claim()
        }
        await features.activated?.()
        await worker.registration.navigationPreload?.[PRELOADS ? 'enable' : 'disable']()
        // Not waited for: until this event is over no request is answered.
        void sweep().then(() => check(config.build))
      })(),
    )
  })

  worker.addEventListener('message', (event) => {
    const { data, ports, source } = event
    // Workbox's word for it, which pages may know
    if (data?.type === 'SKIP_WAITING') {
      ports[0]?.postMessage(config.build)
      event.waitUntil(worker.skipWaiting())
    }
    if (data?.type !== 'REVISIT') return
    event.waitUntil(listen(data.payload, /** @type {Client} */ (source)))
  })

  /**
   * @param {{hello?: object, idle?: boolean}} payload
   * @param {Client} page
   */
  const listen = async ({ hello, idle }, page) => {
    if (await emptied()) return
    if (hello) await greet(page, hello)
    if (idle) await (tidying ||= tidyUp().finally(() => (tidying = undefined)))
  }

  /** However many pages are idle, it is done once at a time. */
  let tidying = /** @type {Promise<void> | undefined} */ (undefined)

  /** What has time until a page is idle. */
  const tidyUp = async () => {
    await sweep()
    if (ROUTED) await features.tidied?.()
    try {
      await complete(config.build)
    } catch (error) {
      await tell('degraded', failure(error) || { reason: `${error}` })
    }
    checked ||= check(config.build)
    await checked
  }

  /** Once in the life of a worker. */
  let checked = /** @type {Promise<void> | undefined} */ (undefined)

  /** To whoever else answers, or to the browser. */
  const leave = (/** @type {FetchEvent} */ event) => {
    const routed = features.routed?.(event)
    if (routed) event.respondWith(routed)
  }

  worker.addEventListener('fetch', (event) => {
    if (SPEAKS) overhear(event)
    const { request } = event
    const address = features.home ? features.home(request) : request.url
    const url = new URL(address)
    const navigation = request.mode === 'navigate'
    // else the browser says that its own request was in vain
    if (PRELOADS && navigation) event.waitUntil(event.preloadResponse?.catch(() => {}))
    if (
      request.method !== 'GET' ||
      !address.startsWith(scope) ||
      // who asks past all caches, or for the HTTP cache alone, means it
      /^(reload|no-store|only-if-cached)$/.test(request.cache)
    ) {
      if (ROUTED) leave(event)
      return
    }
    const from = !navigation && resolved(event)
    // At hand: what is not ours is left to the browser, which is faster than passing it on.
    const found = from && lookUp(from, url)
    if (found === null) {
      if (ROUTED) leave(event)
      return
    }
    event.respondWith(
      (async () => {
        if (from && found) return respond(from, found, event)
        await load()
        if (navigation && crowded()) event.waitUntil(sweep())
        const build = (navigation && (await features.arrive?.(event))) || (await generationOf(event))
        if (!build) {
          event.waitUntil(repair(config.build))
          return fetch(request)
        }
        await inherit(event, build.build)
        let ours = await seek(build, url)
        const routed = ROUTED && !ours && features.routed?.(event)
        if (routed) return routed
        const ahead = AHEAD && !ours && navigation && (await features.ahead?.(event))
        if (ahead) return ahead
        if (navigation) ours ||= await features.fallback?.(build, url)
        return ours ? respond(build, ours, event) : elsewise(build, event)
      })(),
    )
  })
}
