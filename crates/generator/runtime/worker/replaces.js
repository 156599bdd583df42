// Takes over what the worker of another tool has kept ahead of time, under the same scope.
//
// Workbox and sw-precache keep files under their URLs with a revision in the query. Where the bytes are
// those that a manifest of ours names they are put in our own place, and nothing is asked for. The rest
// goes when nothing lacks any more. These caches alone are touched, beside our own.

import { config } from './config.js'
import { download } from './download.js'
import { plain } from './ensure.js'
import { scope } from './global.js'
import { has, key, proved } from './keep.js'
import { urlPath } from './route.js'

/** The caches of theirs: their names end in the scope. */
async function theirs() {
  const ours = new RegExp(config.replaces || '^$')
  const names = await caches.keys()
  return names.filter((name) => name.endsWith(scope) && ours.test(name.slice(0, -scope.length)))
}

/**
 * What they have of a file, if it is the wanted one.
 *
 * @param {string} file
 * @param {string} hash
 */
async function inherited(file, hash) {
  for (const name of await theirs()) {
    const cache = await caches.open(name)
    // They know `index.html` by its own name, too.
    for (const path of [encodeURI(file).replace(/[?#]/g, encodeURIComponent), urlPath(file)]) {
      for (const response of await cache.matchAll(scope + path, { ignoreSearch: true, ignoreVary: true })) {
        const bytes = await response.clone().arrayBuffer()
        if (await proved(bytes, hash)) return { bytes, response }
      }
    }
  }
  return undefined
}

/**
 * Makes what is lacking of what they have, as far as that goes.
 *
 * @param {string} build
 * @param {Set<import('./ensure.js').Job>} lacking
 * @param {unknown} _keep
 * @param {boolean} [later]
 */
export async function takeFromOthers(build, lacking, _keep, later) {
  // nothing lacks: what is left of theirs nobody needs
  if (await has(key('a', build))) for (const name of await theirs()) await caches.delete(name)
  if (!(await theirs()).length) return
  for (const job of lacking) {
    const { make, packed } = job
    job.make = async () => (await (packed ? pack(job, later) : single(job.home))) || make()
  }
}

/** @param {string} home */
async function single(home) {
  const [hash, file] = home.slice(key('d').length).split('/')
  // what is no file has no hash; and of one whose header fields the build knows, theirs may be older
  if (/[!.]/.test(hash)) return undefined
  const had = await inherited(decodeURIComponent(file), hash)
  return had && plain(had)
}

/**
 * A pack of which they have the most; files that they lack are fetched one by one.
 *
 * @param {import('./ensure.js').Job} job
 * @param {boolean} [later]
 */
async function pack({ name = '', size, packed = [], hand }, later) {
  const parts = await hand?.()
  if (!parts) return undefined
  let cost = 0
  for (const [index, { path, hash, size }] of packed.entries()) {
    parts[index] ||= (await inherited(path, hash))?.bytes
    if (!parts[index]) cost += size
  }
  if (cost > size / 4) return undefined
  for (const [index, { path, hash }] of packed.entries()) {
    parts[index] ||= (await download(urlPath(path), hash, { later })).bytes
  }
  const made = await new Blob(/** @type {BlobPart[]} */ (parts)).arrayBuffer()
  return (await proved(made, name)) ? new Response(made) : undefined
}
