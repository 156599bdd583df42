// While a page is idle: what is too old goes, and stashes that no route names any more.

import { config } from './config.js'
import { stash, STASHES, trim } from './stash.js'

/** @type {NonNullable<import('./features.js').Features['tidied']>} */
export async function tidied() {
  const { routes = [] } = config
  for (const cache of await caches.keys()) {
    if (!cache.startsWith(STASHES)) continue
    const name = cache.slice(STASHES.length)
    const route = routes.find((route) => route.name === name)
    if (route) {
      await trim(await stash(name), route)
    } else if (!/^(prefetch|saved)/.test(name)) {
      // what pages asked to keep is theirs to forget
      await caches.delete(cache)
    }
  }
}
