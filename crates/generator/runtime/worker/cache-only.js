// What is kept answers, and nobody else.

import { fromStash } from './from.js'

/** @type {import('./routing.js').Strategy} */
export async function cacheOnly(route, event) {
  const kept = await fromStash(route, event)
  if (!kept) throw new Error(`not kept: ${event.request.url}`)
  return kept
}
