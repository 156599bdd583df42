// Routes: who answers what no file of the build does, by the rules of the site's config.

import { config, SPEAKS } from './config.js'
import { because } from './explain.js'
import { features } from './features.js'
import { generation } from './generation.js'
import { worker } from './global.js'
import { matches } from './pattern.js'

/**
 * @typedef {import('./config.js').Route} Route
 * @typedef {(route: Route, event: FetchEvent) => Promise<Response>} Strategy
 */

/**
 * By their names, those that the routes of this site use.
 *
 * @type {Record<string, Strategy>}
 */
export const strategies = {}

/**
 * The first route that a request matches. The twin of `rules/src/site/routing.rs`: both run the
 * cases of `tests/vectors/routing.json`.
 *
 * @param {{url: string, method: string, destination: string}} request
 * @param {Route[]} [routes]
 * @param {string} [home] The site's own origin.
 * @returns {Route | undefined}
 */
export function routeFor({ url, method, destination }, routes = config.routes || [], home = worker.location.origin) {
  const { origin, pathname } = new URL(url)
  let path = pathname.slice(1)
  try {
    path = decodeURIComponent(path) // patterns are written as people read paths
  } catch {
    return undefined
  }
  return routes.find(
    (route) =>
      (route.origin === '*' || (route.origin || home) === origin) &&
      (route.methods || ['GET']).includes(method) &&
      (route.destination || [destination]).includes(destination) &&
      (route.path || ['**']).some((pattern) => matches(pattern, path)),
  )
}

/** @type {NonNullable<import('./features.js').Features['routed']>} */
export function routed(event) {
  const { request } = event
  // who asks past all caches, or for the HTTP cache alone, means it
  const route = /^(reload|no-store|only-if-cached)$/.test(request.cache) ? undefined : routeFor(request)
  return route && answered(route, event)
}

/**
 * @param {Route} route
 * @param {FetchEvent} event
 */
async function answered(route, event) {
  if (SPEAKS) because(event, `by route ${(config.routes || []).indexOf(route) + 1}, ${route.strategy}`)
  try {
    const answer = await strategies[route.strategy](route, event)
    return (features.instead && (await features.instead(route, event, answer))) || answer
  } catch (error) {
    if (SPEAKS) because(event, `nobody answers: ${error}`)
    const other = features.substitute && route.fallback && (await features.substitute(route.fallback, event))
    if (SPEAKS && other) because(event, `${route.fallback} instead (\`fallback\`)`)
    if (other) return other
    const from = features.missing && event.request.mode === 'navigate' && (await generation(config.build))
    // the network was asked, or must not be
    if (from && features.missing) return features.missing(from, event, error)
    throw error
  }
}
