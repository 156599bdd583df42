// What strategies are made of: a route's answer from its stash, and one from the network.

import { cut, ignored } from './answer.js'
import { features } from './features.js'
import { clearings, keepable, stow, stowed } from './stash.js'

/** @typedef {import('./config.js').Route} Route */

/**
 * What a route keeps a response under: parameters that change nothing, change nothing here.
 *
 * @param {Route} route
 * @param {Request} request
 */
export function keyOf({ ignoreSearch }, { url, headers }) {
  const address = new URL(url)
  if (ignoreSearch) address.search = ''
  for (const name of [...address.searchParams.keys()]) if (ignored.test(name)) address.searchParams.delete(name)
  return new Request(address, { headers })
}

/**
 * The answer from the route's stash, or else what pages asked to keep; of a whole body the range
 * that was asked for. What is too old is as good as not there.
 *
 * @param {Route} route
 * @param {FetchEvent} event
 * @returns {Promise<Response | undefined>}
 */
export async function fromStash(route, { request }) {
  const key = keyOf(route, request)
  const kept = await stowed(route.name, key)
  const young = kept && !(Date.now() - kept.at > (route.ageMax || Infinity))
  const response = young ? kept.response : await features.kept?.(key)
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
  if (isKept(route, event, response)) await keepFor(route, event, response, since)
}

/**
 * @param {Route} route
 * @param {FetchEvent} event
 * @returns {Promise<Response>}
 */
export async function askFor({ credentials }, event) {
  const preloaded = await features.preloaded?.(event)
  if (preloaded) return preloaded
  const { request } = event
  const asked = credentials && request.mode !== 'navigate' ? new Request(request, { credentials }) : request
  return features.upgraded ? features.upgraded(asked, credentials) : fetch(asked)
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
