// What goes when the browser has no room left for a new version.
//
// No text lets groups expire by time, and browsers dropped what was used longest ago when room was wanted. So here:
// a group that no page has goes before an update ends with an error. How much there is the browser says, for all
// that an origin keeps together.

import { groups, relevant, sweep, tabs } from './library.js'
import { worker } from '../worker/global.js'

/**
 * @template T
 * @param {() => Promise<T>} work Begun anew whenever there is more room.
 */
export async function withRoom(work) {
  for (;;) {
    const before = drops
    try {
      return await work()
    } catch (error) {
      if (/** @type {any} */ (error)?.name !== 'QuotaExceededError') throw error
      // One after the other: what made room for one may do for all that failed together.
      making = making.then(async () => drops > before || (await drop().catch(() => false)))
      if (!(await making)) throw error
    }
  }
}

/** How often there was more room. */
let drops = 0

/** @type {Promise<boolean>} Was there something to drop? */
let making = Promise.resolve(true)

/** Drops what nobody needs, or else the group that was used longest ago. */
async function drop() {
  const bytes = await usage()
  if (!(await sweep()) && !(await sweep(true))) {
    const inUse = new Set([...tabs.values()].map(({ version }) => version.group))
    const idle = relevant().filter(({ group }) => !group.update && !inUse.has(group))
    const [idlest] = idle.sort((a, b) => a.used - b.used || a.seq - b.seq)
    if (!idlest) return false
    groups.delete(idlest.manifest)
    await sweep()
  }
  drops++
  // Chromium counts what was deleted a moment later.
  for (let looks = 0; bytes && looks < 20 && (await usage()) >= bytes; looks++) {
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return true
}

/** What the origin keeps, as the browser counts it; 0 where it does not say. */
const usage = async () => (await worker.navigator.storage?.estimate())?.usage || 0
