// What is kept answers at once, and is fetched anew for the next time.

import { SPEAKS } from './config.js'
import { because } from './explain.js'
import { fromNetwork, fromStash, isPart, restock } from './from.js'

/** @type {import('./routing.js').Strategy} */
export async function staleWhileRevalidate(route, event) {
  const kept = await fromStash(route, event)
  if (!kept) return fromNetwork(route, event)
  const { url } = event.request
  // however many ask for it, it is fetched once at a time
  if (!isPart(event.request) && !refreshing.has(url)) {
    refreshing.add(url)
    if (SPEAKS) because(event, 'fetched anew meanwhile')
    const done = restock(route, event).catch(() => {})
    event.waitUntil(done.then(() => refreshing.delete(url)))
  }
  return kept
}

/** @type {Set<string>} */
const refreshing = new Set()
