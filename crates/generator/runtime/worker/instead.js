// A file of the build in the place of an answer that says that something went wrong, as an application
// cache had it: a status from 400 on, or a redirect to another origin.

import { SPEAKS } from './config.js'
import { because } from './explain.js'
import { features } from './features.js'
import { worker } from './global.js'

/** @type {NonNullable<import('./features.js').Features['instead']>} */
export async function instead({ fallback, onFailure }, event, answer) {
  const away = hasLeft(new URL(event.request.url).origin, answer)
  if (!onFailure || !fallback || !features.substitute || !(answer.status > 399 || away)) return undefined
  if (SPEAKS) because(event, `${away ? answer.url || 'another origin' : answer.status}: ${fallback} instead (\`fallback_on\`)`)
  // a file that cannot be had leaves the answer as it is
  const other = await features.substitute(fallback, event).catch(() => undefined)
  // nobody reads it, and it may never end
  if (other) answer.body?.cancel().catch(() => {})
  return other
}

/**
 * Was it redirected to another origin? What began at our own tells it by its type, also where it may not be read or
 * has come back (Fetch, "main fetch": response tainting); what began elsewhere by its last address, where that may
 * be read. Who follows redirects himself, as a navigation does, sees each as it comes.
 *
 * @param {string} origin That of the request.
 * @param {Response} answer
 */
const hasLeft = (origin, { type, redirected, url }) =>
  origin === worker.location.origin ? type === 'cors' || type === 'opaque' : redirected && new URL(url).origin !== origin
