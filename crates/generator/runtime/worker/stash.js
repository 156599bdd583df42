// What is kept at run time, beside the files of the build: by routes, and by what pages ask for.
//
// A stash is a cache of its own, which no build cleans. When a response was stored, its size and its
// tags lie in header fields of the request that it is stored under: the response stays as it came,
// one that cannot be read has them too, and one `keys()` tells all of a stash.

import { config } from './config.js'
import { emptied, ours, RUN } from './keep.js'

/**
 * What may be kept, and how much.
 *
 * @typedef {object} Terms
 * @property {string[]} [tags] By which it is emptied: `emptyStashes(tag)`.
 * @property {number[]} [statuses] Kept ones, `[200]` if none are said.
 * @property {Record<string, string>} [headers] Fields that the response must have, with these values.
 * @property {boolean} [opaque] Also what cannot be read, neither its status nor its size.
 * @property {boolean} [private] Also what its server marks as one visitor's own.
 * @property {number} [entriesMax] Most entries of the stash.
 * @property {number} [bytesMax] Most bytes of it. What is opaque has no size and counts as none.
 * @property {number} [ageMax] Milliseconds after which an entry is dropped.
 * @property {number} [since] What `clearings()` gave before the response was asked for.
 *
 * @typedef {{key: Request, at: number, bytes: number, tags: string[]}} Kept
 */

/** What the caches of stashes are called, before their names. */
export const STASHES = ours + config.site + '|' + RUN

let cleared = 0

/** How often `emptyStashes` was called: what was asked for before the last call is not kept any more. */
export const clearings = () => cleared

/**
 * @param {string} name
 * @returns {Promise<Cache>}
 */
export const stash = (name) => caches.open(STASHES + name)

/**
 * Keeps a response; its body is used up, so give a clone.
 *
 * @param {string} name
 * @param {RequestInfo} request A GET; its header fields count if the response varies by them.
 * @param {Response} response
 * @param {Terms} [terms]
 * @returns {Promise<boolean>} Is it kept? Never throws.
 */
export async function stow(name, request, response, terms = {}) {
  const { bytesMax = Infinity, since = cleared } = terms
  try {
    if (!keepable(response, terms) || +(response.headers.get('content-length') || 0) > bytesMax) return false
    const readable = response.type !== 'opaque'
    // whole before it is stored: what breaks off is never kept
    const body = readable ? await response.blob() : undefined
    const bytes = body?.size || 0
    if (bytes > bytesMax) return false
    const { url, headers } = new Request(request)
    const fields = new Headers(headers)
    fields.set(AT, `${Date.now()}`)
    fields.set(BYTES, `${bytes}`)
    fields.set(TAGS, (terms.tags || []).map(encodeURIComponent).join(' '))
    const key = new Request(url, { headers: fields })
    const made = () => (body ? new Response(body, response) : response.clone())
    if (since !== cleared || (await emptied())) return false
    const cache = await stash(name)
    try {
      await cache.put(key, made())
    } catch (error) {
      if (/** @type {Error} */ (error).name !== 'QuotaExceededError') throw error
      const all = await inventory(cache)
      await drop(cache, all.slice(all.length >> 1))
      await cache.put(key, made())
    }
    // cleared while it was being written
    if (since !== cleared) return !(await cache.delete(key))
    await trim(cache, terms)
    return true
  } catch {
    return false
  }
}

/**
 * @param {string} name
 * @param {RequestInfo} request
 * @returns {Promise<{response: Response, at: number, tags: string[]} | undefined>} `at`: when it was
 *   stored, in milliseconds since the epoch.
 */
export async function stowed(name, request) {
  // makes no stash that is not there
  const response = await caches.match(request, { cacheName: STASHES + name })
  const [kept] = response ? await inventory(await stash(name), request) : []
  return response && kept && { response, at: kept.at, tags: kept.tags }
}

/**
 * @param {string} name
 * @returns {Promise<string[]>} What is in a stash; makes none that is not there.
 */
export const stowedUrls = async (name) =>
  (await caches.has(STASHES + name)) ? (await (await stash(name)).keys()).map(({ url }) => url) : []

/**
 * Gives what is kept more tags; it grows no younger by that.
 *
 * @param {string} name
 * @param {string} url
 * @param {string[]} tags
 */
export async function label(name, url, tags) {
  const since = cleared
  if (!(await stowed(name, url))) return
  const cache = await stash(name)
  const [kept] = await inventory(cache, url)
  const response = kept && (await cache.match(kept.key))
  if (!response || tags.every((tag) => kept.tags.includes(tag))) return
  const headers = new Headers(kept.key.headers)
  headers.set(TAGS, [...new Set([...kept.tags, ...tags])].map(encodeURIComponent).join(' ').trim())
  const key = new Request(url, { headers })
  if (since === cleared) await cache.put(key, response)
  if (since !== cleared) await cache.delete(key)
}

/**
 * Empties all stashes of the site, also of what is on its way into them.
 *
 * @param {string} [tag] Only what has this one.
 */
export async function emptyStashes(tag) {
  cleared++
  for (const name of await caches.keys()) {
    if (!name.startsWith(STASHES)) continue
    if (tag === undefined) {
      await caches.delete(name)
    } else {
      const cache = await caches.open(name)
      await drop(cache, (await inventory(cache)).filter(({ tags }) => tags.includes(tag)))
    }
  }
}

/**
 * May it be kept at all? A worker does not see `Set-Cookie`; that a page is one visitor's own shows
 * in `Cache-Control`, and in that it varies by what tells visitors apart.
 *
 * @param {Response} response
 * @param {Terms} terms
 */
export function keepable({ type, status, headers }, terms) {
  if (type === 'opaque') return !!terms.opaque
  return (
    (terms.statuses || [200]).includes(status) &&
    Object.entries(terms.headers || {}).every(([name, value]) => headers.get(name) === value) &&
    (terms.private ||
      !(
        /\b(private|no-store)\b/i.test(headers.get('cache-control') || '') ||
        /\b(cookie|authorization)\b/i.test(headers.get('vary') || '')
      ))
  )
}

/**
 * Drops what is too old, and the oldest of what is too much.
 *
 * @param {Cache} cache
 * @param {Terms} terms
 */
export async function trim(cache, { entriesMax = Infinity, bytesMax = Infinity, ageMax = Infinity }) {
  if (Math.min(entriesMax, bytesMax, ageMax) === Infinity) return
  let left = bytesMax
  const all = await inventory(cache)
  await drop(
    cache,
    all.filter(({ at, bytes }, index) => (left -= bytes) < 0 || index >= entriesMax || Date.now() - at > ageMax),
  )
}

/**
 * What is in a stash, the youngest first.
 *
 * @param {Cache} cache
 * @param {RequestInfo} [request] Only what answers this.
 * @returns {Promise<Kept[]>}
 */
async function inventory(cache, request) {
  const all = (await cache.keys(request)).map((key) => ({
    key,
    at: +(key.headers.get(AT) || 0),
    bytes: +(key.headers.get(BYTES) || 0),
    tags: (key.headers.get(TAGS) || '').split(' ').map(decodeURIComponent),
  }))
  // of one moment the last that was put is the youngest
  return all.reverse().sort((a, b) => b.at - a.at)
}

/**
 * @param {Cache} cache
 * @param {Kept[]} entries
 */
const drop = (cache, entries) => Promise.all(entries.map(({ key }) => cache.delete(key)))

const AT = 'x-revisit-at'
const BYTES = 'x-revisit-bytes'
const TAGS = 'x-revisit-tags'
