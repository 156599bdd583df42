// Keeps the files of a build, for a worker of your own that hands the list to `precache`.
//
// Three fetches at a time, each file once: what an install that was cut off has left counts. All or
// nothing is installed. Paths mean what they mean on a server (`route.js`).

import { find } from './route.js'

/**
 * A file of the list. Without a revision the URL itself changes with the bytes.
 *
 * @typedef {{url: string, revision?: string | null, integrity?: string}} Item
 */

/**
 * Adds listeners of `install`, `activate`, `fetch` and `message` that keep the files and answer them.
 * Listeners that were added before and call `respondWith` answer in their place.
 *
 * @param {Item[]} items
 * @param {{ignore?: RegExp}} [options] `ignore`: names of query parameters that change nothing.
 */
export function precache(items, { ignore = /^(utm_|fbclid$|gclid$|msclkid$)/ } = {}) {
  const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self))
  const { scope } = worker.registration
  // Of this beginning are all caches that `revisit build --uninstall` removes.
  const open = () => caches.open(`revisit|${scope}|list`)

  const key = (/** @type {Item} */ { url, revision }) => {
    const address = new URL(url, scope)
    if (revision) address.searchParams.set('revisit', revision)
    return address.href
  }

  /** By the path below the scope, decoded. */
  const files = new Map(
    items.map((item) => {
      const { origin, pathname } = new URL(item.url, scope)
      return [decodeURIComponent((origin + pathname).slice(scope.length)), item]
    }),
  )

  const fetched = async (/** @type {Item} */ { url, revision, integrity }) => {
    const response = await fetch(new URL(url, scope), { cache: revision ? 'reload' : 'default', integrity })
    if (!response.ok) throw new Error(`${response.status} of ${url}`)
    // a redirected response answers no navigation
    return response.redirected ? new Response(response.body, { headers: response.headers }) : response
  }

  /** Was no worker here before? On an update a claim would throw pages out of the back-forward cache. */
  let first = false

  const install = async () => {
    first = !worker.registration.active
    const cache = await open()
    const kept = new Set((await cache.keys()).map((request) => request.url))
    const lacking = items.filter((item) => !kept.has(key(item))).values()
    const lane = async () => {
      for (const item of lacking) await cache.put(key(item), await fetched(item))
    }
    await Promise.all([lane(), lane(), lane()])
  }

  const clean = async () => {
    const cache = await open()
    const wanted = new Set(items.map(key))
    for (const request of await cache.keys()) if (!wanted.has(request.url)) await cache.delete(request)
  }

  /** @param {FetchEvent} event */
  const answer = ({ request }) => {
    const url = new URL(request.url)
    const path = (url.origin + url.pathname).slice(scope.length)
    // a part of a file is the server's to cut
    if (request.method !== 'GET' || !url.href.startsWith(scope) || request.headers.has('range')) return undefined
    for (const name of url.searchParams.keys()) if (!ignore.test(name)) return undefined
    const found = find(path, (file) => files.has(file))
    const item = found && files.get(found.file)
    if (!item) return undefined
    if (found.elsewhere) return Promise.resolve(Response.redirect(`${scope}${path}/${url.search}`, 301))
    return open()
      .then((cache) => cache.match(key(item)))
      .then((kept) => kept || fetch(request))
  }

  worker.addEventListener('install', (event) => event.waitUntil(install()))
  worker.addEventListener('activate', (event) => 
    event.waitUntil(clean().then(() => (first ? worker.clients.claim() : undefined))),
  )
  worker.addEventListener('fetch', (event) => {
    const answered = answer(event)
    if (answered) event.respondWith(answered)
  })
  // the page's word, `revisit.update()` or Workbox's
  worker.addEventListener('message', ({ data }) => {
    if (data?.type === 'SKIP_WAITING') void worker.skipWaiting()
  })
}
