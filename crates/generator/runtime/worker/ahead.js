// Answers from what was prefetched or saved: while it is young without asking anybody, then from the
// network first, and when there is none, or it takes too long, from the copy at any age.

import { cut, network, shortened } from './answer.js'
import { config, SPEAKS } from './config.js'
import { OPAQUE, PREFETCHED, SAVED, bare, isForbidden, isYoung, peekKnown, readKnown } from './errand.js'
import { because } from './explain.js'
import { clearings, stow, stowed } from './stash.js'

/** @typedef {NonNullable<Awaited<ReturnType<typeof stowed>>>} Stowed */

/** @type {NonNullable<import('./features.js').Features['ahead']>} */
export function ahead(event) {
  const [url] = event.request.url.split('#')
  const all = peekKnown()
  // Surely not there: the browser need not wait for it.
  return all && !all.has(url) && !all.has(shortened(url)) ? undefined : fromStashes(event, url)
}

/**
 * @param {FetchEvent} event
 * @param {string} url
 * @returns {Promise<Response | undefined>}
 */
async function fromStashes(event, url) {
  const all = await readKnown()
  // parameters that change nothing, change nothing here
  if (!all.has(url)) url = shortened(url)
  if (!all.has(url)) return undefined
  const { request } = event
  /** @type {(Stowed & {name: string}) | undefined} */
  let best
  for (const name of [PREFETCHED, SAVED, PREFETCHED + OPAQUE, SAVED + OPAQUE]) {
    const found = await stowed(name, url)
    // Only who asks for nothing that can be read may have what nobody can read.
    if (!found || (name.endsWith(OPAQUE) && request.mode !== 'no-cors')) continue
    // F5 asks for the newest
    if (name.startsWith(PREFETCHED) && isYoung(found.at) && request.cache !== 'no-cache') {
      if (SPEAKS) because(event, 'prefetched, and young')
      return whole(found.response, request)
    }
    if (!best || found.at > best.at) best = { ...found, name }
  }
  return best && askNetwork(event, url, best)
}

/**
 * For routes, which answer by their own rules: a copy of any age.
 *
 * @type {NonNullable<import('./features.js').Features['kept']>}
 */
export async function kept({ url }) {
  if (!(await readKnown()).has(url)) return undefined
  return ((await stowed(PREFETCHED, url)) || (await stowed(SAVED, url)))?.response
}

/**
 * @param {FetchEvent} event
 * @param {string} url
 * @param {Stowed & {name: string}} old
 */
async function askNetwork(event, url, old) {
  const since = clearings()
  const { request } = event
  const answer = network(event)
  const renewed = answer.then((response) => takeIn(url, response.clone(), old, since))
  event.waitUntil(renewed.catch(() => {}))
  const late = new Promise((resolve) => setTimeout(resolve, config.prefetch?.timeoutMs))
  const first = await Promise.race([answer, late]).catch(() => {})
  if (SPEAKS) because(event, `${old.name}: ${first ? 'the network first' : 'the copy, for there is no network, or it is slow'}`)
  return /** @type {Response | undefined} */ (first) || whole(old.response, request)
}

/**
 * What the network has brought takes the place of the copy, if it may be kept.
 *
 * @param {string} url
 * @param {Response} response
 * @param {Stowed & {name: string}} old
 * @param {number} since
 */
async function takeIn(url, response, { name, tags }, since) {
  const { status, type, redirected, headers } = response
  if (status !== 200 || type === 'opaque' || redirected || isForbidden(response)) return
  const made = new Response(await response.blob(), { headers: bare(headers) })
  // forgotten meanwhile
  if (!(await stowed(name, url))) return
  const bytesMax = name === PREFETCHED ? config.prefetch?.sizeMax : undefined
  await stow(name, url, made, { tags, since, bytesMax, private: true })
}

/**
 * @param {Response} response
 * @param {Request} request Media elements ask for ranges, and insist.
 */
const whole = async (response, request) =>
  request.headers.has('range') && response.type !== 'opaque' ? cut(await response.blob(), response.headers, request) : response
