// What strategies are made of: a route's answer from its stash, and one from the network.

import { cut, shortened } from './answer.js'
import { SPEAKS } from './config.js'
import { because } from './explain.js'
import { features } from './features.js'
import { clearings, keepable, stow, stowed } from './stash.js'

/** @typedef {import('./config.js').Route} Route */

/**
 * What a route keeps a response under: parameters that change nothing, change nothing here.
 *
 * @param {Route} route
 * @param {Request} request
 */
export const keyOf = ({ ignoreSearch }, { url, headers }) => new Request(shortened(url, !ignoreSearch), { headers })

/**
 * The answer from the route's stash, or else what pages asked to keep; of a whole body the range
 * that was asked for. What is too old is as good as not there.
 *
 * @param {Route} route
 * @param {FetchEvent} event
 * @returns {Promise<Response | undefined>}
 */
export async function fromStash(route, event) {
  const { request } = event
  const key = keyOf(route, request)
  const found = await stowed(route.name, key)
  const young = found && !(Date.now() - found.at > (route.ageMax || Infinity))
  if (SPEAKS) because(event, inStash(route, found?.at, !!young))
  const response = young ? found.response : features.kept && (await features.kept(key))
  if (!response || !isPart(request)) return response
  return response.status === 200 ? cut(await response.blob(), response.headers, request) : undefined
}

/**
 * The answer from the network, which is kept if the route's rules allow.
 *
 * @param {Route} route
 * @param {FetchEvent} event
 */
export async function fromNetwork(route, event) {
  const since = clearings()
  const response = await askFor(route, event)
  if (SPEAKS) because(event, ofNetwork(route, event, response))
  if (isKept(route, event, response)) event.waitUntil(keepFor(route, event, response.clone(), since))
  return response
}

/**
 * The same for nobody but the stash; done when it is kept.
 *
 * @param {Route} route
 * @param {FetchEvent} event
 */
export async function restock(route, event) {
  const since = clearings()
  const response = await askFor(route, event)
  if (SPEAKS) because(event, ofNetwork(route, event, response))
  if (isKept(route, event, response)) await keepFor(route, event, response, since)
}

/**
 * @param {Route} route
 * @param {FetchEvent} event
 * @returns {Promise<Response>}
 */
export async function askFor({ credentials, strategy }, event) {
  const early = features.preloaded && (await features.preloaded(event))
  if (early) return early
  const { request } = event
  const asked = credentials && request.mode !== 'navigate' ? new Request(request, { credentials }) : request
  // What is never kept goes as the page sent it, and once.
  return features.upgraded && strategy !== 'networkOnly' ? features.upgraded(asked, credentials) : fetch(asked)
}

/** @param {Request} request */
export const isPart = ({ headers }) => headers.has('range')

/**
 * @param {Route} route
 * @param {FetchEvent} event
 * @param {Response} response
 */
const isKept = (route, { request }, response) => !isPart(request) && keepable(response, route)

/**
 * @param {Route} route
 * @param {FetchEvent} event
 * @param {Response} response
 * @param {number} since
 */
async function keepFor(route, event, response, since) {
  const key = keyOf(route, event.request)
  const before = route.broadcast && features.changed ? await stowed(route.name, key) : undefined
  const stored = await stow(route.name, key, response, { ...route, since })
  if (stored && before) await features.changed?.(route, event, before.response, response)
}

/**
 * @param {Route} route
 * @param {number | undefined} at
 * @param {boolean} young
 */
function inStash({ name, ageMax = 0 }, at, young) {
  if (at === undefined) return `not kept as \`${name}\``
  const age = Math.round((Date.now() - at) / 1000)
  return `kept as \`${name}\` ${age} s ago` + (young ? '' : `, which is more than ${ageMax / 1000} s (\`max_age_seconds\`)`)
}

/**
 * @param {Route} route
 * @param {FetchEvent} event
 * @param {Response} response
 */
function ofNetwork(route, event, response) {
  if (isKept(route, event, response)) return `from the network, and to be kept as \`${route.name}\``
  return `from the network, and not kept: ${isPart(event.request) ? 'it is a range' : refusal(response, route)}`
}

/**
 * Why a response is not kept, found by asking again with the rules relaxed one by one.
 *
 * @param {Response} response
 * @param {import('./stash.js').Terms} terms
 */
function refusal(response, terms) {
  const more = { ...terms, private: true }
  if (response.type === 'opaque') return 'nobody may read it (`opaque`)'
  if (keepable(response, more)) return "it is marked as one visitor's own (`private`)"
  if (keepable(response, { ...more, headers: {} })) return 'its header fields are not those of `headers`'
  return `its status is ${response.status} (\`statuses\`)`
}
