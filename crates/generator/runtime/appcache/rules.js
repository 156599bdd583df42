// Who answers a request of a page that has an application cache? Nothing here asks a cache or the network.
//
// HTML 5.1 (W3C, 2016), "changes to the networking model", and "navigate" of the same text.

/**
 * What a complete cache says, beside what it holds.
 *
 * @typedef {object} Says
 * @property {string} manifest Its manifest's URL.
 * @property {[namespace: string, target: string][]} fallback
 * @property {string[]} network
 * @property {boolean} wildcard
 * @property {'fast' | 'prefer-online'} mode
 *
 * `target`: the network, and this entry if it fails.
 * @typedef {{by: 'cache'} | {by: 'network', target?: string} | {by: 'nobody'}} Answer
 */

/**
 * @param {Says} cache
 * @param {string} method
 * @param {string} url Without a fragment.
 * @param {boolean} held Is there an entry of this very URL?
 * @returns {Answer} For whatever a page loads, frames excepted: those are navigations.
 */
export function subresource(cache, method, url, held) {
  if (method !== 'GET' || new URL(url).protocol !== new URL(cache.manifest).protocol) return { by: 'network' }
  if (held) return { by: 'cache' }
  if (isOnline(cache, url)) return { by: 'network' }
  const target = fallback(cache, url)
  if (target || cache.wildcard) return { by: 'network', target }
  return { by: 'nobody' }
}

/**
 * Entries that may answer a navigation, if the cache has them; of several caches the newest that has it gives it.
 * Before the network is asked it is that of `cached`; when that has failed, of `preferOnline`, and only if no cache
 * has one, of `fallback`.
 *
 * @type {Record<'cached' | 'preferOnline' | 'fallback', Navigation>}
 *
 * @callback Navigation
 * @param {Says} cache
 * @param {string} url Without a fragment.
 * @param {(url: string) => boolean} isForeign Is this entry the page of another manifest?
 * @returns {string | undefined}
 */
export const navigation = {
  cached: (cache, url, isForeign) => (cache.mode === 'fast' && isOwn(cache, url) && !isForeign(url) ? url : undefined),
  preferOnline: (cache, url, isForeign) =>
    cache.mode === 'prefer-online' && isOwn(cache, url) && !isForeign(url) ? url : undefined,
  fallback(cache, url, isForeign) {
    const target = isOnline(cache, url) ? undefined : fallback(cache, url)
    return target && !isForeign(target) ? target : undefined
  },
}

/**
 * @param {Says} cache
 * @param {string} url
 */
const isOwn = ({ manifest }, url) => new URL(url).origin === new URL(manifest).origin

/**
 * @param {Says} cache
 * @param {string} url
 */
const isOnline = ({ network }, url) => network.some((prefix) => url.startsWith(prefix))

/**
 * The target of the longest namespace that the URL begins with.
 *
 * @param {Says} cache
 * @param {string} url
 */
export function fallback({ fallback }, url) {
  let found = /** @type {[string, string] | undefined} */ (undefined)
  for (const pair of fallback) {
    if (url.startsWith(pair[0]) && pair[0].length >= (found?.[0].length || 0)) found = pair
  }
  return found?.[1]
}
