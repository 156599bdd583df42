// Drops what no generation names.

import { list } from './generation.js'
import { emptied, files, key } from './keep.js'

/**
 * Under the lock only: what is being installed has no manifest in the cache yet.
 *
 * @param {import('./generation.js').Generation[]} live
 */
export async function clean(live) {
  if (await emptied()) return
  const cache = await files()
  const used = new Set()
  for (const { build, packs } of live) {
    for (const kind of ['g', 'a', 'h']) used.add(key(kind, build))
    for (const [name] of packs) used.add(key('p', name))
  }
  for (const { url } of await cache.keys()) {
    if (used.has(url)) continue
    const file = url.startsWith(key('d')) ? decodeURIComponent(url.replace(/.*\//, '')) : ''
    let wanted = false
    for (const from of live) wanted ||= (await list(from, file)).get(file)?.home === url
    if (!wanted) await cache.delete(url)
  }
}
