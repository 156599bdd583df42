// Static routes: what is never ours goes past the worker, which need not be woken for it.
//
// A route is final, so only that is routed which no build of this site ever answers: other methods
// than GET, unless the site has a run-time route for them, and requests below paths that it says so of;
// not navigations, for which there is the offline page. A browser without static routes loses nothing
// but the time.

import { config } from './config.js'
import { scope } from './global.js'

/** @type {NonNullable<import('./features.js').Features['routes']>} */
export async function routes(event) {
  const answered = (config.routes || []).flatMap(({ methods = [] }) => methods)
  const methods = ['POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS']
    .filter((method) => !answered.includes(method))
    .map((requestMethod) => ({ requestMethod }))
  const modes = ['cors', 'no-cors', 'same-origin']
  const paths = (config.network || []).map((path) => `${scope}${path}*`)
  const below = paths.flatMap((urlPattern) => modes.map((requestMode) => ({ urlPattern, requestMode })))
  try {
    // newer than the type checker's library
    await /** @type {any} */ (event).addRoutes?.({ condition: { or: [...methods, ...below] }, source: 'network' })
  } catch {
    // this browser takes no such routes: they save time and nothing else
  }
}
