// Answers one GET from a generation: which entry, and how it goes out.

import { config } from './config.js'
import { repair } from './ensure.js'
import { slice } from './generation.js'
import { scope } from './global.js'
import { files } from './keep.js'
import { find, urlPath } from './route.js'

const ignored = new RegExp(config.ignore)

/** @typedef {import('./generation.js').Generation} Generation */

/**
 * @param {Generation} from
 * @param {URL} url
 * @returns The entry that answers, unless the query asks for something else than the file.
 */
export function lookUp(from, url) {
  for (const name of url.searchParams.keys()) if (!ignored.test(name)) return undefined
  return find((url.origin + url.pathname).slice(scope.length), (file) => from.entries.has(file))
}

/**
 * @param {Generation} from
 * @param {string} file A path that `from` has.
 * @param {Request} request
 * @returns {Promise<Response | undefined>} `undefined` if the cache has lost it.
 */
export async function serve(from, file, request) {
  const entry = /** @type {import('./generation.js').Entry} */ (from.entries.get(file))
  if (entry.type) {
    const bytes = await slice(entry)
    return bytes && cut(bytes, { 'content-type': entry.type }, request)
  }
  const page = await (await files()).match(entry.home)
  return page && request.headers.has('range') ? cut(await page.blob(), page.headers, request) : page
}

/**
 * @param {Generation} from
 * @param {{file: string, elsewhere: boolean}} found
 * @param {FetchEvent} event
 * @param {import('./start.js').Features['missing']} [missing] Answers what the cache has lost.
 */
export async function respond(from, { file, elsewhere }, event, missing) {
  const { request } = event
  if (elsewhere) return Response.redirect(scope + urlPath(file) + new URL(request.url).search, 301)
  const kept = await serve(from, file, request).catch(() => undefined)
  if (kept) return kept
  // Evicted or damaged: the network answers now, and the next time the cache does again.
  event.waitUntil(repair(from.build))
  return missing ? missing(from, event) : fetch(request)
}

/**
 * The whole body, or the one range that was asked for (RFC 9110 §14): media elements insist.
 * Several ranges, malformed ones and those that hang on a condition get the whole, as they may.
 *
 * @param {Blob} body
 * @param {HeadersInit} from
 * @param {Request} request
 */
function cut(body, from, request) {
  const headers = new Headers(from)
  const { size } = body
  const [range, first, last] = /^bytes=(\d*)-(\d*)$/i.exec(request.headers.get('range') || '') || []
  const start = first ? +first : Math.max(0, size - +last)
  const end = first && last ? Math.min(+last, size - 1) : size - 1
  if (!range || !(first || last) || (first && last && +last < start) || request.headers.has('if-range')) {
    return new Response(body, { headers })
  }
  const possible = start < size
  headers.set('content-range', `bytes ${possible ? `${start}-${end}` : '*'}/${size}`)
  return new Response(possible ? body.slice(start, end + 1) : null, {
    status: possible ? 206 : 416,
    headers,
  })
}
