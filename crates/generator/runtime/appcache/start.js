// The events of a worker that gives a site its application caches back, each handed to who knows what to do.

import { config } from './config.js'
import { Failure } from './fetching.js'
import { fire, joining, meet, pages, statusOf, UNCACHED, UPDATEREADY } from './hosts.js'
import {
  associate,
  begin,
  find,
  forgetOthers,
  groupOf,
  groups,
  hasPredecessor,
  isLoaded,
  load,
  mark,
  newest,
  PARKED_MS,
  tabs,
} from './library.js'
import { fallback } from './rules.js'
import { bare, navigate, serve, unkeepable } from './serve.js'
import { update } from './update.js'
import { scope, worker } from '../worker/global.js'
import { awaited } from '../worker/wake.js'

/** Another worker was here, and the open pages are what it has left. */
let seized = false

worker.addEventListener('install', (event) => {
  seized = !!worker.registration.active
  event.waitUntil(
    (async () => {
      await awaited(event)
      // The versions of the site are not the worker's: a newer one takes over at once. Pages of one that keeps files
      // ahead have theirs until they are closed.
      if (config.seizes || !(await hasPredecessor())) await worker.skipWaiting()
    })(),
  )
})

worker.addEventListener('activate', (event) =>
  event.waitUntil(
    (async () => {
      const first = await begin()
      await forgetOthers()
      await worker.registration.navigationPreload?.disable()
      if (!first) return
      await worker.clients.claim()
      if (!config.seizes || !seized) return
      for (const page of await worker.clients.matchAll({ type: 'window' })) {
        // not awaited: the navigation waits for this very activation
        page.navigate(page.url).catch(() => {})
      }
    })(),
  ),
)

worker.addEventListener('fetch', (event) => {
  const { request, clientId, resultingClientId } = event
  if (request.mode === 'navigate') {
    if (request.method === 'GET') return event.respondWith(navigate(event))
    if (unkeepable.size > 100) unkeepable.clear()
    unkeepable.add(resultingClientId)
    return undefined
  }
  // What surely is not ours the browser asks for itself, which is faster.
  if (request.method !== 'GET' || (isLoaded() && !tabs.has(clientId))) return undefined
  return event.respondWith(serve(event))
})

worker.addEventListener('message', (event) => {
  const { data, ports, source } = event
  // for pages of the worker before
  if (data?.type === 'SKIP_WAITING') {
    ports[0]?.postMessage('')
    event.waitUntil(worker.skipWaiting())
  }
  if (data?.type !== 'REVISIT' || !data.payload?.appcache) return
  event.waitUntil(listen(data.payload, /** @type {Client} */ (source)))
})

/**
 * @param {{appcache: string, manifest?: string, url?: string, status?: number}} payload
 * @param {Client} page
 */
async function listen({ appcache, manifest = '', url = '', status }, page) {
  await load()
  const isParked = appcache === 'parked'
  const known = tabs.get(page.id)
  // Before anything is waited for: who makes room meanwhile must see it. What cannot be written down the worker knows as
  // long as it lives.
  const until = isParked ? Date.now() + PARKED_MS : 0
  const noted = known && (isParked || appcache === 'back') && associate(page.id, known.version, until).catch(() => {})
  await meet()
  // browsers throw a parked page away to which anything is said
  if (isParked) pages.delete(page.id)
  else pages.set(page.id, page)
  await noted
  const tab = tabs.get(page.id)
  const group = tab?.version.group
  if (appcache === 'hello') return hello(page, manifest, bare(url))
  if (appcache === 'update' && group) return update(group)
  if (appcache === 'abort') {
    const running = group || [...groups.values()].find((group) => group.update?.pending.has(page.id))
    running?.update?.control.abort(new Failure('abort', 'the page called abort()'))
  }
  if (appcache === 'swap' && group) {
    const version = group.obsolete ? undefined : newest(group)
    const swapped = version !== tab.version && associate(page.id, version, 0)
    // what was said before the page asked for this is over
    fire([page.id], '')
    await swapped
  }
  if (appcache === 'back') {
    // What a page has missed that the back button brings again. One whose cache has made room meanwhile is loaded anew,
    // if there is a network: without one it is better as it stands than an error page.
    if (tab || status === UNCACHED || !worker.navigator.onLine) fire([page.id], missed(page.id, status))
    else loadAnew(page)
  }
  return undefined
}

/** @param {Client} page */
const loadAnew = (page) =>
  page.postMessage({ type: 'REVISIT', payload: { appcache: '', status: UNCACHED, again: true } })

/**
 * @param {string} id
 * @param {number} [known]
 */
const missed = (id, known) => (statusOf(id) === UPDATEREADY && known !== UPDATEREADY ? 'updateready' : '')

/**
 * The "application cache selection algorithm" (HTML 5.1, W3C, 2016), for a page that has just begun.
 *
 * @param {Client} page
 * @param {string} manifest What its root element names, resolved; empty for nothing.
 * @param {string} url The page's own.
 */
async function hello(page, manifest, url) {
  const tab = tabs.get(page.id)
  const version = tab?.version
  if (version && manifest && manifest !== version.manifest) {
    // "mark the entry … as foreign" and navigate once more, past it
    // that it was served: not its own, where that is another's already
    const entry = !version.foreign.has(url) && (await find(version, url)) ? url : fallback(version, url)
    if (entry) await mark(version, 'foreign', entry)
    await associate(page.id)
    return loadAnew(page)
  }
  // it is there: from now on it is gone when it is on no list
  if (tab) tab.until = 0
  fire([page.id], '')
  if (version && !version.group.obsolete) return update(version.group, page.id)
  const own = new URL(scope).origin
  if (!manifest || new URL(manifest).origin !== own || unkeepable.has(page.id)) return undefined
  joining.delete(page.id)
  return update(groupOf(manifest), page.id, url)
}
