// The events of a worker, each handed to the module that knows what to do.

import { lookUp, respond } from './answer.js'
import { config } from './config.js'
import { failure } from './download.js'
import { ensure, repair } from './ensure.js'
import { scope, worker } from './global.js'
import { crowded, generationOf, load, resolved, sweep, takeOver } from './tabs.js'
import { tell } from './tell.js'

/**
 * What a site may add: each is there only if the site uses it.
 *
 * @typedef {object} Features
 * @property {() => Promise<unknown>} [installed] After a generation was committed.
 * @property {() => Promise<unknown>} [activated] After the pages of older builds were noted.
 * @property {(event: FetchEvent) => Promise<import('./generation.js').Generation | undefined>} [arrive]
 *   On every navigation: another generation than the client's own, to answer it.
 * @property {(from: import('./generation.js').Generation, event: FetchEvent, url: URL) =>
 *   {file: string, elsewhere: boolean} | undefined} [fallback] A page for a path without a file.
 * @property {(from: import('./generation.js').Generation, event: FetchEvent) => Promise<Response>} [missing]
 *   Answers a navigation that the cache cannot.
 */

/** @param {Features} features */
export function start({ installed, activated, arrive, fallback, missing }) {
  worker.addEventListener('install', (event) => event.waitUntil(install()))

  const install = async () => {
    try {
      await ensure(config.build)
    } catch (error) {
      await tell('failed', failure(error) || { reason: `${error}` })
      throw error
    }
    await installed?.()
  }

  worker.addEventListener('activate', (event) =>
    event.waitUntil(
      (async () => {
        const before = await takeOver()
        // Once only: on an update it would throw pages out of the back-forward cache.
        if (!before) await worker.clients.claim()
        await activated?.()
        await sweep()
      })(),
    ),
  )

  worker.addEventListener('message', (event) => {
    // Workbox's word for it, which pages may know
    if (event.data?.type === 'SKIP_WAITING') {
      event.ports[0]?.postMessage(config.build)
      event.waitUntil(worker.skipWaiting())
    }
  })

  worker.addEventListener('fetch', (event) => {
    const { request } = event
    const url = new URL(request.url)
    if (
      request.method !== 'GET' ||
      !request.url.startsWith(scope) ||
      // who asks past all caches, or for the HTTP cache alone, means it
      /^(reload|no-store|only-if-cached)$/.test(request.cache)
    ) {
      return
    }
    const navigation = request.mode === 'navigate'
    const decide = (/** @type {import('./generation.js').Generation} */ from) =>
      lookUp(from, url) || (navigation ? fallback?.(from, event, url) : undefined)

    if (!navigation) {
      const from = resolved(event.clientId)
      if (from) {
        // At hand: what is not ours is left to the browser, which is faster than passing it on.
        const found = decide(from)
        if (found) event.respondWith(respond(from, found, event))
        return
      }
    }
    event.respondWith(
      (async () => {
        await load()
        if (navigation && crowded()) event.waitUntil(sweep())
        const from = (navigation && (await arrive?.(event))) || (await generationOf(navigation ? '' : event.clientId))
        const found = from && decide(from)
        if (found) return respond(from, found, event, navigation ? missing : undefined)
        if (!from) event.waitUntil(repair(config.build))
        return navigation && from && missing ? missing(from, event) : fetch(request)
      })(),
    )
  })
}
