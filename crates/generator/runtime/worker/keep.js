// Where the worker keeps things: two caches of its own, and the names of what lies in them.
//
// `files` holds packs, files that stand alone and, written when the shell is whole, the manifest of
// each generation: its presence is the commit. `state` is small and says which page belongs to which
// build.
// Nothing else of the origin is ever touched.

import { config } from './config.js'
import { scope, worker } from './global.js'

/** What all cache names of this scope begin with, whatever the site. */
export const ours = `revisit|${scope}|`

const name = (/** @type {string} */ part) => ours + config.site + '|' + part

/** Has somebody emptied the origin's storage? Then nothing is kept anew before a page asks for it. */
export const emptied = async () => !(await caches.has(name('files')))

/**
 * To put and to delete. Opened once, since opening makes a cache that is not there, and a worker may
 * outlive its caches for a while: what it still puts goes where they went.
 *
 * @returns {Promise<Cache>}
 */
export const files = () => (caching ||= caches.open(name('files')))

/** @type {Promise<Cache> | undefined} */
let caching

/** Emptied or not, from now on there is a cache again. */
export const anew = async () => {
  if (await emptied()) caching = undefined
}

/**
 * Forgets what a worker of another kind (`docs/appcache.md`), or of an earlier build, has kept for this site.
 *
 * @param {string} kind How the names of its caches begin.
 * @param {string} [but] And those of which that stay.
 */
export async function forgetKind(kind, but) {
  const ofSite = (/** @type {string} */ cache, /** @type {string} */ start) => cache.startsWith(name(start))
  for (const cache of await caches.keys()) if (ofSite(cache, kind) && !(but && ofSite(cache, but))) await caches.delete(cache)
}

/** What the caches of stashes are called, before their names and behind the site's. */
export const RUN = 'run|'

/** @returns {Promise<Cache>} */
export const state = () => caches.open(name('state'))

/**
 * What is kept at an address.
 *
 * @param {string} address
 * @param {'files' | 'state'} [part]
 */
export const held = (address, part = 'files') => caches.match(address, { cacheName: name(part) })

/**
 * The address of a thing of ours in a cache: `p` packs, `d` what stands alone, `g` generations,
 * `a` the mark of a build of which nothing lacks, `h` header fields of its pages; `tab` and `active`
 * the state.
 *
 * @param {string} kind
 * @param {string} [name]
 */
export const key = (kind, name = '') => `${scope}revisit/${kind}/${name}`

/**
 * Runs alone: what installs and what cleans up must not work on one cache at the same time.
 *
 * @param {boolean} wait If false and somebody is at work, `work` gets no lock and must not.
 * @param {(lock: Lock | null) => Promise<void>} work
 * @returns {Promise<void>}
 */
export const alone = (wait, work) => worker.navigator.locks.request(ours, { ifAvailable: !wait }, work)

/** The build that was activated last; empty if none of this site ever was. */
export const activeBuild = () => stated(key('active'))

/** @param {string} address In the state. */
const stated = async (address) => (await held(address, 'state'))?.text() ?? ''

/**
 * What is noted of pages of older builds: client id, build, and until when it counts unseen.
 *
 * @returns {Promise<string[][]>}
 */
export async function records() {
  /** @type {string[][]} */
  const found = []
  if (!(await caches.has(name('state')))) return found
  for (const { url } of await (await state()).keys()) {
    const [, id] = url.split(key('tab'))
    if (id) found.push([id, ...(await stated(url)).split(' ')])
  }
  return found
}

/**
 * @param {string} address
 * @returns Is it in the cache?
 */
export const has = async (address) => !!(await held(address))

/**
 * Are these the bytes that a manifest names? It does by the first characters of their SHA-256 as
 * base64url: 16 for what stands alone (96 bits), 8 for a file in a pack; or by a word behind a `~`
 * that stands in a page whatever its host makes of it. Behind a dot stands what names the header
 * fields of a page. Behind a `!` stands the revision of what is no file: any bytes are that.
 *
 * @param {ArrayBuffer} bytes
 * @param {string} name
 */
export async function proved(bytes, name) {
  const [hash] = name.split('.')
  if (hash[0] === '!') return true
  if (hash[0] === '~') return new TextDecoder().decode(bytes).includes(hash.slice(1))
  const found = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  const text = btoa(String.fromCharCode(...found))
  return text.replaceAll('+', '-').replaceAll('/', '_').startsWith(hash)
}
