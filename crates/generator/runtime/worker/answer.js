// Answers one GET from a generation: which entry, and how it goes out.

import { config, SPEAKS } from './config.js'
import { repair } from './ensure.js'
import { because } from './explain.js'
import { features } from './features.js'
import { list, peek, slice } from './generation.js'
import { scope } from './global.js'
import { has, held, key } from './keep.js'
import { decode, find, urlPath } from './route.js'

const ignored = new RegExp(config.ignore)

/**
 * @typedef {import('./generation.js').Entry} Entry
 * @typedef {import('./generation.js').Generation} Generation
 */

/**
 * @param {Generation} from
 * @param {URL} url
 * @returns The file that answers; `null`: none does, or the query asks for something else than the
 *   file; `undefined`: that part of the list is not at hand, `seek` it.
 */
export function lookUp(from, url) {
  for (const name of url.searchParams.keys()) if (!ignored.test(name)) return null
  const path = pathOf(url)
  const file = decode(path)
  if (file === undefined) return null
  const part = peek(from, file)
  // What is no file has one spelling.
  return part && (find(path, (name) => part.has(name) && (name === file || part.get(name)?.hash[0] !== '!')) || null)
}

/**
 * The same, when it may take a moment.
 *
 * @param {Generation} from
 * @param {URL} url
 */
export async function seek(from, url) {
  await list(from, decode(pathOf(url)) || '')
  return lookUp(from, url)
}

/**
 * @param {string} url
 * @param {boolean} [whole] Does the query count?
 * @returns Without the parameters that change nothing.
 */
export function shortened(url, whole = true) {
  const address = new URL(url)
  if (!whole) address.search = ''
  for (const name of [...address.searchParams.keys()]) if (ignored.test(name)) address.searchParams.delete(name)
  return address.href
}

/** @param {URL} url */
const pathOf = (url) => (url.origin + url.pathname).slice(scope.length)

/**
 * @param {Generation} from
 * @param {Entry | undefined} entry
 * @param {Request} request
 * @returns {Promise<Response | undefined>} `undefined` if the cache does not have it.
 */
export async function serve(from, entry, request) {
  if (!entry) return undefined
  if (entry.pack === undefined) {
    const kept = await held(entry.home)
    return kept && (request.headers.has('range') || features.abroad?.(request)) ? cut(await kept.blob(), kept.headers, request) : kept
  }
  const fields = entry.head || (features.head && (await features.head(from, entry)))
  const bytes = fields && (await slice(entry))
  return bytes && cut(bytes, fields, request)
}

/**
 * @param {Generation} from
 * @param {{file: string, elsewhere: boolean}} found
 * @param {FetchEvent} event
 */
export async function respond(from, { file, elsewhere }, event) {
  const { request } = event
  const entry = (await list(from, file)).get(file)
  const kept = await serve(from, entry, request).catch(() => undefined)
  if (SPEAKS) because(event, `${file} of build ${from.build}, ${kept ? 'from the cache' : 'not kept (yet, or any more)'}`)
  // Only to what is there: a host may redirect the other way.
  if (kept) return elsewhere ? Response.redirect(scope + urlPath(file) + new URL(request.url).search, 301) : kept
  if (entry && entry.group > 1) {
    const answer = features.routed?.(event)
    if (answer) return answer
    // Without a network a page that is not kept yet has the offline page, as any other.
    if (features.lazy && !request.headers.has('range')) return features.lazy(entry, event).catch(() => elsewise(from, event))
  } else if (entry && (!entry.group || (await has(key('a', from.build))))) {
    // Evicted or damaged: the network answers now, and the next time the cache does again.
    event.waitUntil(repair(from.build))
  }
  return elsewise(from, event)
}

/**
 * Without an answer of ours.
 *
 * @param {Generation} from
 * @param {FetchEvent} event
 */
export const elsewise = async (from, event) =>
  (features.ahead && (await features.ahead(event))) ||
  (features.missing && event.request.mode === 'navigate' ? features.missing(from, event) : network(event))

/**
 * The network's answer, which the browser may have asked for already.
 *
 * @param {FetchEvent} event
 */
export const network = async (event) => (features.preloaded && (await features.preloaded(event))) || fetch(event.request)

/**
 * The whole body, or the one range that was asked for (RFC 9110 §14): media elements insist.
 * Several ranges, malformed ones and those that hang on a condition get the whole, as they may.
 *
 * @param {Blob} body
 * @param {HeadersInit} from
 * @param {Request} request
 */
export function cut(body, from, request) {
  const headers = new Headers(from)
  // decoded, and perhaps a part of it
  for (const name of ['content-encoding', 'content-length']) headers.delete(name)
  features.abroad?.(request, headers)
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
