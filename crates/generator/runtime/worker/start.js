// The events of a worker, each handed to the module that knows what to do.

import { elsewise, lookUp, respond, seek } from './answer.js'
import { config, SPEAKS } from './config.js'
import { failure } from './download.js'
import { check, complete, ensure, repair } from './ensure.js'
import { overhear } from './explain.js'
import { features } from './features.js'
import { scope, worker } from './global.js'
import { greet } from './greet.js'
import { emptied, forgetKind, RUN } from './keep.js'
import { crowded, generationOf, inherit, load, resolved, sweep, takeOver } from './tabs.js'
import { tell } from './tell.js'
import { awaited } from './wake.js'

export function start() {
  worker.addEventListener('install', (event) => event.waitUntil(install(event)))

  const install = async (/** @type {ExtendableEvent} */ event) => {
    try {
      if (features.routes) await features.routes(event)
      // who preloads wants it otherwise
      if (!features.preloaded) await awaited(event)
      await ensure(config.build, true)
    } catch (error) {
      await tell('failed', failure(error) || { reason: `${error}` })
      throw error
    }
    if (features.installed) await features.installed()
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
        if (features.activated) await features.activated()
        await worker.registration.navigationPreload?.[features.preloaded ? 'enable' : 'disable']()
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
    // Where no route keeps anything, what routes of earlier builds kept is nobody's any more. What pages asked to keep
    // is theirs to forget, and a later build may have it again.
    await (features.tidied?.() ?? forgetKind(RUN, RUN + 'saved'))
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
    const answer = features.routed?.(event)
    if (answer) event.respondWith(answer)
  }

  worker.addEventListener('fetch', (event) => {
    if (SPEAKS) overhear(event)
    const { request } = event
    const address = features.home ? features.home(request) : request.url
    const url = new URL(address)
    const navigation = request.mode === 'navigate'
    // else the browser says that its own request was in vain
    if (features.preloaded && navigation) event.waitUntil(event.preloadResponse?.catch(() => {}))
    if (
      request.method !== 'GET' ||
      !address.startsWith(scope) ||
      // who asks past all caches, or for the HTTP cache alone, means it
      /^(reload|no-store|only-if-cached)$/.test(request.cache)
    ) {
      leave(event)
      return
    }
    const from = !navigation && resolved(event)
    // At hand: what is not ours is left to the browser, which is faster than passing it on.
    const found = from && lookUp(from, url)
    if (found === null) {
      leave(event)
      return
    }
    event.respondWith(
      (async () => {
        if (from && found) return respond(from, found, event)
        await load()
        if (navigation && crowded()) event.waitUntil(sweep())
        const build = (features.arrive && navigation && (await features.arrive(event))) || (await generationOf(event))
        if (!build) {
          event.waitUntil(repair(config.build))
          return fetch(request)
        }
        await inherit(event, build.build)
        let ours = await seek(build, url)
        const answer =
          (features.routed && !ours && features.routed(event)) ||
          (features.ahead && !ours && navigation && (await features.ahead(event)))
        if (answer) return answer
        if (features.fallback && navigation) ours ||= await features.fallback(build, url)
        return ours ? respond(build, ours, event) : elsewise(build, event)
      })(),
    )
  })
}
