// Answers navigations to paths without a file by one page: for sites that draw their pages in
// the browser.

import { config } from './config.js'
import { list } from './generation.js'
import { scope } from './global.js'
import { matches } from './pattern.js'

/**
 * A path whose last segment has an ending names a file, not a view; `/api/` and what the site
 * denies is never a view.
 *
 * @type {NonNullable<import('./features.js').Features['fallback']>}
 */
export async function fallback(from, url) {
  let path = (url.origin + url.pathname).slice(scope.length)
  try {
    path = decodeURIComponent(path) // patterns are written as people read paths
  } catch {
    return undefined
  }
  const { fallback: file = '', allow = [], deny = [] } = config
  const wanted = !allow.length || allow.some((pattern) => matches(pattern, path))
  if (!wanted || /\.[^/]*$/.test(path) || deny.some((pattern) => matches(pattern, path))) return undefined
  // a page of an older build may have had none
  return (await list(from, file)).has(file) ? { file, elsewhere: false } : undefined
}
