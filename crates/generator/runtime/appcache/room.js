// What goes when the browser has no room left for a new version.
//
// No text lets groups expire by time, and browsers dropped what was used longest ago when room was wanted. So here:
// a group that no page has goes before an update ends with an error. How much there is the browser says, for all
// that an origin keeps together.

import { groups, isParked, relevant, sweep, tabs } from './library.js'
import { worker } from '../worker/global.js'

/**
 * @template T
 * @param {() => Promise<T>} work Begun anew whenever there is more room.
 */
export async function withRoom(work) {
  for (;;) {
    const before = looks
    try {
      return await work()
    } catch (error) {
      if (/** @type {any} */ (error)?.name !== 'QuotaExceededError') throw error
      // One after the other: what one look has brought, be it nothing, counts for all that failed together.
      making = making.then(async (found) => {
        if (looks > before) return found
        const more = await drop().catch(() => false)
        looks++
        return more
      })
      if (!(await making)) throw error
    }
  }
}

/** How often room was looked for. */
let looks = 0

/** @type {Promise<boolean>} Did the last look bring more? */
let making = Promise.resolve(true)

/**
 * Drops what nobody needs, or else what only parked pages have, or else the group that was used longest ago.
 *
 * @returns Is there more room?
 */
async function drop() {
  const bytes = await usage()
  if (!(await sweep()) && !(await sweep(unpark)) && !(await sweep(evict))) return false
  // Chromium counts what was deleted a moment later. Where that brings nothing the next group would go for nothing too.
  for (let waits = 0; bytes && (await usage()) >= bytes; waits++) {
    if (waits === 20) return false
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return true
}

/**
 * Gives up old versions that only parked pages have.
 *
 * @param {Set<string>} there
 */
function unpark(there) {
  const stays = new Set([...relevant(), ...inUse(there)])
  forget((version) => !stays.has(version) && !version.group.update)
}

/**
 * Gives up one group, which no page that is there has.
 *
 * @param {Set<string>} there
 */
function evict(there) {
  const busy = new Set(inUse(there).map(({ group }) => group))
  const idle = relevant().filter(({ group }) => !group.update && !busy.has(group))
  const [idlest] = idle.sort((a, b) => a.used - b.used || a.seq - b.seq)
  if (!idlest) return
  groups.delete(idlest.manifest)
  forget(({ group }) => group === idlest.group)
}

/**
 * @param {Set<string>} there
 * @returns What pages have, those that are parked excepted.
 */
const inUse = (there) =>
  [...tabs].filter(([id, tab]) => there.has(id) || !isParked(tab)).map(([, { version }]) => version)

/**
 * Parked pages that have such a version load anew when the back button brings them again; others keep theirs.
 *
 * @param {(version: import('./library.js').Version) => boolean} goes
 */
function forget(goes) {
  for (const [id, { version }] of tabs) if (goes(version)) tabs.delete(id)
}

/** What the origin keeps, as the browser counts it; 0 where it does not say. */
const usage = async () => (await worker.navigator.storage?.estimate())?.usage || 0
