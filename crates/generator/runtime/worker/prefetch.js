// Messages of pages: what to fetch ahead, to save, to forget, to clear. Anybody may send anything:
// what is not understood is ignored, and counted where somebody listens.

import { config } from './config.js'
import { PREFETCHED, busy, giveUp, run, tagsOf } from './errand.js'
import { configured, resolve, rulesOf } from './follow.js'
import { scope, worker } from './global.js'
import { ahead } from './ahead.js'
import { forget, save, saved } from './save.js'
import { emptyStashes } from './stash.js'

/** After `start`: what that leaves to the browser may be kept here. */
export function hearPages() {
  worker.addEventListener('message', (event) => {
    const { data, ports, source } = event
    const base = /** @type {Client | null} */ (source)?.url || scope
    const work = heardFrom(data?.type, data?.payload || {}, base, ports[0])
    if (work) event.waitUntil(work)
  })
  worker.addEventListener('fetch', (event) => {
    const { request } = event
    // who asks past all caches, or for the HTTP cache alone, means it
    if (request.method !== 'GET' || /^(reload|no-store|only-if-cached)$/.test(request.cache)) return
    const found = ahead(event)
    if (found) event.respondWith(found.then((response) => response || fetch(request)))
  })
}

/**
 * @param {unknown} type
 * @param {any} payload
 * @param {string} base Of the page that sent it.
 * @param {MessagePort} [port]
 * @returns {Promise<void> | undefined}
 */
function heardFrom(type, payload, base, port) {
  const controller = new AbortController()
  const { signal } = controller
  const say = (/** @type {string} */ type, /** @type {any} */ payload) => port?.postMessage({ type, payload })
  const progress = (/** @type {number} */ done, /** @type {number} */ total) => say('PROGRESS', { done, total })
  const end = async (/** @type {Promise<any>} */ work) => say('DONE', await work)
  if (port) port.onmessage = ({ data }) => data?.type === 'ABORT' && controller.abort()
  switch (type) {
    case 'PREFETCH':
      return end(prefetch(payload, base, { signal, progress }))
    // as Workbox has it
    case 'CACHE_URLS':
      return prefetch({ urls: payload.urlsToCache }, scope, {}).then(({ refused, ignored }) => port?.postMessage(!refused && !ignored))
    case 'CLEAR':
      return end(clear(payload.tag))
    case 'SAVE':
      return end(save(payload, base, { signal, progress }))
    case 'SAVED':
      return end(saved())
    case 'FORGET':
      return end(forget(resolve(payload.url, base)))
    default:
      return undefined
  }
}

/**
 * @param {any} payload
 * @param {string} base
 * @param {Pick<import('./errand.js').Errand, 'signal' | 'progress'>} more
 * @returns {Promise<import('./errand.js').Summary>}
 */
async function prefetch({ urls, follow, tag }, base, more) {
  const { urlsMax, sizeMax } = /** @type {import('./config.js').Prefetch} */ (config.prefetch)
  /** @type {Map<string, RequestInit | undefined>} */
  const wanted = new Map()
  let ignored = 0
  for (const one of Array.isArray(urls) ? urls : [undefined]) {
    const [written, init] = Array.isArray(one) ? one : [one]
    const room = wanted.size < urlsMax && busy() + wanted.size < BUSY_MAX
    const url = room && typeof written === 'string' && resolve(written, base)
    if (url) wanted.set(url, init)
    else ignored++
  }
  const rules = [...configured, ...rulesOf(follow)]
  const errand = { stash: PREFETCHED, urls: wanted, rules, tags: tagsOf(tag), followMax: urlsMax, room: sizeMax, ...more }
  const { summary } = await run(errand)
  return { ...summary, ignored: summary.ignored + ignored }
}

/** @param {unknown} [tag] All, if there is none. */
async function clear(tag) {
  const named = tag !== undefined
  const cleared = emptyStashes(named ? `${tag}` : undefined)
  giveUp()
  await cleared
}

/** What may wait in all, whoever asks: a page that asks without end is not heard to its end. */
const BUSY_MAX = 1000
