// The same files under the URL of a CDN: pages name them there, and they are answered from here.

import { config } from './config.js'
import { scope, worker } from './global.js'

const { cdn = '' } = config

/** @type {NonNullable<import('./features.js').Features['home']>} */
export const home = ({ url, mode }) =>
  // a document of the CDN's is of its origin, and none of ours
  url.startsWith(cdn) && mode !== 'navigate' ? scope + url.slice(cdn.length) : url

/**
 * Without a URL of its own, a response has the request's: relative URLs in it lead back to the CDN.
 * And as if it came from there, the page may demand that it says who may use it.
 *
 * @type {NonNullable<import('./features.js').Features['abroad']>}
 */
export function abroad({ url }, headers) {
  const asked = url.startsWith(cdn)
  if (asked) headers?.set('cross-origin-resource-policy', 'cross-origin')
  return asked
}

/**
 * What the page has just loaded lies in the HTTP cache under the CDN's URL. Only a first install looks
 * there: no request can be kept from going further, if it does not.
 *
 * @type {NonNullable<import('./features.js').Features['copies']>}
 */
export const copies = (path) =>
  worker.registration.active || /(^|\/|\.html?)$/.test(path)
    ? []
    : [[cdn + path, { cache: 'force-cache', mode: 'cors', credentials: 'same-origin' }]]
