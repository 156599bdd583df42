// Answers navigations and what pages load, as `rules.js` decides.

import { associate, find, isDropped, load, relevant, tabs } from './library.js'
import { navigation, subresource } from './rules.js'

/** Pages that were not got by GET, by client: none of them is kept. @type {Set<string>} */
export const unkeepable = new Set()

/** @param {string} url */
export const bare = (url) => url.replace(/#.*/s, '')

/**
 * @param {FetchEvent} event A navigation by GET.
 * @returns {Promise<Response>}
 */
export async function navigate(event) {
  const { request } = event
  const url = bare(request.url)
  // Without a word of what is kept the network is all there is.
  if (!(await load().then(() => true, () => false))) return fetch(request)
  const before = await pick(event, navigation.cached, url)
  if (before) return before
  /** @type {Response | undefined} */
  let response
  let failure
  try {
    response = await fetch(request)
  } catch (error) {
    failure = error
  }
  if ((response && response.status < 400) || request.signal.aborted) return response || Promise.reject(failure)
  const after = (await pick(event, navigation.preferOnline, url)) || (await pick(event, navigation.fallback, url))
  return after || response || Promise.reject(failure)
}

/**
 * @param {FetchEvent} event
 * @param {import('./rules.js').Navigation} wanted
 * @param {string} url
 * @returns What answers, of a version that the page has from here on, whatever comes.
 */
async function pick(event, wanted, url) {
  for (const version of relevant()) {
    const target = wanted(version, url, (entry) => version.foreign.has(entry))
    const response = target && (await find(version, target))
    // While it was looked up it may have made room for another; in one step with this look it is in use.
    if (!response || isDropped(version)) continue
    if (event.resultingClientId) event.waitUntil(associate(event.resultingClientId, version))
    return response
  }
  return undefined
}

/**
 * @param {FetchEvent} event Of a page, not a navigation.
 * @returns {Promise<Response>}
 */
export async function serve(event) {
  const { request, clientId, resultingClientId } = event
  const known = await load().then(() => true, () => false)
  const version = known && tabs.get(clientId)?.version
  if (!version) return fetch(request)
  // a worker has the cache of the page that starts it
  if (resultingClientId) event.waitUntil(associate(resultingClientId, version))
  const url = bare(request.url)
  const kept = await find(version, url)
  const answer = subresource(version, request.method, url, !!kept)
  if (kept && answer.by === 'cache') return cut(kept, request)
  if (answer.by === 'nobody') {
    console.warn(`revisit: ${url} is not loaded: ${version.manifest} lists it nowhere, and its NETWORK section has no *`)
    return Response.error()
  }
  const { target = '' } = /** @type {{target?: string}} */ (answer)
  const substituted = async () => {
    const kept = target && !request.signal.aborted ? await find(version, target) : undefined
    return kept && cut(kept, request)
  }
  try {
    const response = await fetch(request)
    const lost = response.status >= 400 || hasLeft(response)
    return (lost && (await substituted())) || response
  } catch (error) {
    const response = await substituted()
    if (response) return response
    throw error
  }
}

/**
 * Was the answer to a request of our own origin redirected to another one, though it may have come back? Of what never
 * left, and of that alone, the type is `basic` (Fetch, "main fetch": response tainting); who follows redirects by
 * himself sees each as it comes.
 *
 * @param {Response} response
 */
const hasLeft = ({ type }) => type === 'cors' || type === 'opaque'

/**
 * The one range that was asked for (RFC 9110 §14), as media elements insist on; else the whole.
 *
 * @param {Response} kept
 * @param {Request} request
 */
async function cut(kept, request) {
  const [range, first, last] = /^bytes=(\d*)-(\d*)$/i.exec(request.headers.get('range') || '') || []
  if (!range || !(first || last) || kept.type === 'opaque' || request.headers.has('if-range')) return kept
  const body = await kept.blob()
  const { size } = body
  const start = first ? +first : Math.max(0, size - +last)
  const end = first && last ? Math.min(+last, size - 1) : size - 1
  const headers = new Headers(kept.headers)
  for (const name of ['content-encoding', 'content-length']) headers.delete(name)
  if (first && last && +last < start) return new Response(body, { headers })
  const possible = start < size
  headers.set('content-range', `bytes ${possible ? `${start}-${end}` : '*'}/${size}`)
  return new Response(possible ? body.slice(start, end + 1) : null, { status: possible ? 206 : 416, headers })
}
