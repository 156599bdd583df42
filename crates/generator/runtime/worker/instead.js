// A file of the build in the place of an answer that says that something went wrong, as an application
// cache had it: a status from 400 on, or a redirect to another origin. What nobody may read tells neither.

import { SPEAKS } from './config.js'
import { because } from './explain.js'
import { features } from './features.js'

/** @type {NonNullable<import('./features.js').Features['instead']>} */
export async function instead({ fallback, onFailure }, event, { status, redirected, url }) {
  const away = redirected && new URL(url).origin !== new URL(event.request.url).origin
  if (!onFailure || !fallback || !(status > 399 || away)) return undefined
  if (SPEAKS) because(event, `${away ? url : status}: ${fallback} instead (\`fallback_on\`)`)
  // a file that cannot be had leaves the answer as it is
  return features.substitute?.(fallback, event).catch(() => undefined)
}
