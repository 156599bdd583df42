// What pages hear of: each event once, in order, with the status that `applicationCache` has then.

import { newest, tabs } from './library.js'
import { worker } from '../worker/global.js'

/** Of `ApplicationCache`. */
export const UNCACHED = 0
const [IDLE, CHECKING, DOWNLOADING] = [1, 2, 3]
export const UPDATEREADY = 4
const OBSOLETE = 5

/** Pages by client id: a `Client` at hand takes messages in the order in which they are said. */
/** @type {Map<string, Client>} */
export const pages = new Map()

/** Pages that will have the cache which is being filled, if it is filled. @type {Set<string>} */
export const joining = new Set()

/** Finds out who is there. */
export async function meet() {
  const there = await worker.clients.matchAll({ type: 'window', includeUncontrolled: true })
  pages.clear()
  for (const page of there) pages.set(page.id, page)
}

/** @param {string} id */
export function statusOf(id) {
  const version = tabs.get(id)?.version
  if (!version) return joining.has(id) ? DOWNLOADING : UNCACHED
  const { group } = version
  if (group.obsolete) return OBSOLETE
  if (group.status === 'checking') return CHECKING
  if (group.status === 'downloading') return DOWNLOADING
  return hasNewer(id) ? UPDATEREADY : IDLE
}

/**
 * Is there a complete cache that `swapCache()` would give this page?
 *
 * @param {string} id
 */
function hasNewer(id) {
  const version = tabs.get(id)?.version
  return !!version && version !== newest(version.group)
}

/**
 * @param {import('./library.js').Group} group
 * @returns The pages that have one of its caches.
 */
export const associated = (group) =>
  [...tabs].filter(([, { version }]) => version.group === group).map(([id]) => id)

/**
 * @param {Iterable<string>} ids
 * @param {string} event Empty: only the status is told.
 * @param {object} [detail]
 */
export function fire(ids, event, detail) {
  for (const id of new Set(ids)) {
    const payload = { appcache: event, status: statusOf(id), newer: hasNewer(id), kept: tabs.has(id), ...detail }
    pages.get(id)?.postMessage({ type: 'REVISIT', payload })
  }
}
