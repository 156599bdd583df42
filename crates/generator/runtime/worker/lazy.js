// Files that are kept when they are first used: those beyond the budget, and those that the site
// chose so.

import { config } from './config.js'
import { plain } from './ensure.js'
import { generation, list } from './generation.js'
import { files, key, proved } from './keep.js'

const { lazyBytes: room = 0 } = config

/**
 * The network answers; what it brings is kept if it is of this build. Not a part of a file, and
 * nothing for which no room is.
 *
 * @type {NonNullable<import('./features.js').Features['lazy']>}
 */
export async function lazy(entry, event) {
  const response = await fetch(event.request)
  // its bytes are to be proved: that of a CDN can be read if it says so
  if (response.status === 200 && entry.size <= room) {
    const copy = response.clone()
    event.waitUntil(keep(entry, copy).catch(() => {}))
  }
  return response
}

/**
 * @param {import('./generation.js').Entry} entry
 * @param {Response} response
 */
async function keep({ home, hash, size }, response) {
  const bytes = await response.clone().arrayBuffer()
  // A server that has another build already, or still: good for this page, not for later ones.
  if (!(await proved(bytes, hash))) return
  await makeRoom(room - size)
  await (await files()).put(home, plain({ bytes, response }))
}

/**
 * Those that were kept first go first, until the others have so many bytes at the most.
 *
 * @param {number} left
 */
async function makeRoom(left) {
  const cache = await files()
  const from = await generation(config.build)
  if (!from) return
  for (const { url } of [...(await cache.keys())].reverse()) {
    const file = url.startsWith(key('d')) && decodeURIComponent(url.replace(/.*\//, ''))
    const entry = file && (await list(from, file)).get(file)
    if (entry && entry.home === url && entry.group > 1 && (left -= entry.size) < 0) await cache.delete(url)
  }
}
