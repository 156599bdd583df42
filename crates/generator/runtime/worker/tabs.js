// Which page belongs to which build?
//
// A page keeps the build that it was loaded with, also when a newer worker answers it: one
// record for each page that is older than the active worker, and none for all others. Frames and
// workers inherit the build of the page that starts them.

import { clean } from './clean.js'
import { config } from './config.js'
import { worker } from './global.js'
import { generation, read } from './generation.js'
import { activeBuild, alone, key, records, state } from './keep.js'

/**
 * What is known of a page of an older build. `until`: before that it lives, though it be on no list
 * of clients: it is being loaded, or may come back from the back-forward cache.
 *
 * @typedef {{build: string, until: number}} Tab
 */

/** By client id; `undefined` until it is read. */
let tabs = /** @type {Map<string, Tab> | undefined} */ (undefined)

/** Reads the records once in the life of a worker; `resolved` answers from then on. */
export async function load() {
  if (tabs) return
  const found = new Map()
  for (const [id, build, until] of await records()) found.set(id, { build, until: +until })
  await generation(config.build)
  tabs ??= found
}

/**
 * The generation that answers what a client asks for, without waiting; `undefined` when it is not
 * at hand, or when the request begins a client that must be noted first.
 *
 * @param {FetchEvent} event
 */
export function resolved({ clientId, resultingClientId }) {
  const build = tabs?.get(clientId)?.build
  return tabs && !(build && resultingClientId) ? read.get(build || config.build) : undefined
}

/**
 * @param {FetchEvent} event
 * @returns {Promise<import('./generation.js').Generation | undefined>}
 */
export async function generationOf({ clientId, request }) {
  await load()
  // A visit is of this build, whoever sent it here; a frame is of its page's.
  const asking = request.destination !== 'document' && crowded() && (clientId || (await parentOf(request)))
  const build = asking && tabs?.get(asking)?.build
  return (build && (await generation(build))) || generation(config.build)
}

/**
 * The page that a frame is in. Browsers do not say (`clientId` is empty for a navigation), so it is
 * the one that the request names as its referrer; of several with that address, or if no referrer
 * was sent, the one that was looked at last.
 *
 * @param {Request} request
 */
async function parentOf({ referrer }) {
  // in the order in which they had the focus
  const pages = await worker.clients.matchAll({ type: 'window' })
  return (pages.find(({ url }) => url.split('#')[0] === referrer) || pages[0])?.id
}

/**
 * Notes the client that this request begins, if it is of another build, or might be taken for one:
 * while an update is on its way the next worker must know who was here before it.
 *
 * @param {FetchEvent} event
 * @param {string} build
 */
export async function inherit({ resultingClientId }, build) {
  const { installing, waiting } = worker.registration
  if (resultingClientId && (build !== config.build || installing || waiting)) {
    await note(resultingClientId, build, Date.now() + LOADING_MS)
  }
}

/** So long a client that is being loaded may be on no list. */
const LOADING_MS = 60_000

/**
 * @param {string} client
 * @param {string} build
 * @param {number} [until]
 */
export async function note(client, build, until = 0) {
  tabs?.set(client, { build, until })
  await (await state()).put(key('tab', client), new Response(`${build} ${until}`))
}

/** @param {string} client */
export const noted = (client) => tabs?.get(client)?.build

/**
 * On activation: whoever is here belongs to the build before, whoever comes later to this one.
 *
 * @returns {Promise<string>} The build before; empty at the first activation of all.
 */
export async function takeOver() {
  const cache = await state()
  const before = await activeBuild()
  if (before && before !== config.build) {
    for (const { id } of await worker.clients.matchAll({ type: 'all' })) {
      if (!(await cache.match(key('tab', id)))) await note(id, before)
    }
  }
  await cache.put(key('active'), new Response(config.build))
  return before
}

/** Drops the records of pages that are gone, and generations, packs and documents without a user. */
export async function sweep() {
  await load()
  const builds = new Set([config.build])
  // Not one by one: the browser would keep us waiting for a client that is not ready, or parked.
  const there = new Set((await worker.clients.matchAll({ type: 'all', includeUncontrolled: true })).map(({ id }) => id))
  for (const [id, { build, until }] of tabs || []) {
    if (until > Date.now() || there.has(id)) {
      builds.add(build)
    } else {
      tabs?.delete(id)
      await (await state()).delete(key('tab', id))
    }
  }
  const { installing, waiting } = worker.registration
  // What is being installed, or waits, may use any of it; its install has cleaned up.
  if (installing || waiting) return
  await alone(false, async (lock) => {
    if (!lock) return
    const live = []
    for (const build of builds) {
      const kept = await generation(build)
      if (kept) live.push(kept)
    }
    // Without our own manifest nothing says what is used: leave all, repair comes first.
    if (live[0]?.build !== config.build) return
    await clean(live)
    for (const build of read.keys()) if (!builds.has(build)) read.delete(build)
  })
}

/** True while there are pages of older builds. */
export const crowded = () => !!tabs?.size
