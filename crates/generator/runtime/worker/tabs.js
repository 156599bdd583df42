// Which page belongs to which build?
//
// A page keeps the build that it was loaded with, also when a newer worker answers it: one
// record for each page that is older than the active worker, and none for all others.

import { config } from './config.js'
import { worker } from './global.js'
import { generation, read } from './generation.js'
import { alone, files, key, state } from './keep.js'

/** Client id → build, of the pages of older builds; `undefined` until it is read. */
let tabs = /** @type {Map<string, string> | undefined} */ (undefined)

/** Reads the records once in the life of a worker; `resolved` answers from then on. */
export async function load() {
  if (tabs) return
  const found = new Map()
  const cache = await state()
  for (const { url } of await cache.keys()) {
    const [, id] = url.split(key('tab'))
    if (id) found.set(id, await text(cache, url))
  }
  await generation(config.build)
  tabs ??= found
}

/**
 * The generation that answers a client, without waiting; `undefined` when it is not at hand.
 *
 * @param {string} client
 */
export const resolved = (client) => tabs && read.get(tabs.get(client) || config.build)

/**
 * @param {string} client
 * @returns {Promise<import('./generation.js').Generation | undefined>}
 */
export async function generationOf(client) {
  await load()
  return (await generation(tabs?.get(client) || config.build)) || generation(config.build)
}

/**
 * @param {string} client
 * @param {string} build
 */
export async function note(client, build) {
  await (await state()).put(key('tab', client), new Response(build))
  tabs?.set(client, build)
}

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

/** The build that was activated last; empty if none of this site ever was. */
export const activeBuild = async () => text(await state(), key('active'))

/** Drops the records of pages that are gone, and generations, packs and documents without a user. */
export async function sweep() {
  await load()
  const { installing, waiting } = worker.registration
  // What is being installed, or waits, may use any of it.
  if (installing || waiting) return
  await alone(false, async (lock) => {
    if (!lock) return
    const used = new Set()
    const builds = [config.build]
    for (const [id, build] of tabs || []) {
      if (await worker.clients.get(id)) {
        builds.push(build)
      } else {
        tabs?.delete(id)
        await (await state()).delete(key('tab', id))
      }
    }
    for (const build of builds) {
      const kept = await generation(build)
      if (!kept) continue
      used.add(key('g', build))
      for (const [home] of kept.parts) used.add(home)
    }
    const cache = await files()
    // Without our own manifest nothing says what is used: leave all, repair comes first.
    if (!used.has(key('g', config.build))) return
    for (const request of await cache.keys()) if (!used.has(request.url)) await cache.delete(request)
  })
}

/** True while there are pages of older builds. */
export const crowded = () => !!tabs?.size

/**
 * @param {Cache} cache
 * @param {string} url
 */
const text = async (cache, url) => (await cache.match(url))?.text() ?? ''
