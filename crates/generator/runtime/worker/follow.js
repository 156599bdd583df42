// Which URLs in what was fetched are worth fetching too: rules of the config and of messages say where
// they stand, and code of the site's own may say more.

import { config } from './config.js'
import { scope } from './global.js'
import { loadedByPage, loadedByStyle } from './html.js'
import { matches } from './pattern.js'

/**
 * @typedef {object} Rule Where a document names what is fetched with it.
 * @property {string[]} [from] Patterns of the URL paths that are looked through; none: all.
 * @property {string} [pointer] JSON Pointer with `*` for each member or element.
 * @property {boolean} [html] What a page or a style sheet loads.
 * @property {number} [depth] At 1, which is the default, what was asked for is looked through; at 2 also
 *   what was found there.
 */

/**
 * The rules of a message, which anybody may have written.
 *
 * @param {any} given
 * @returns {Rule[]}
 */
export const rulesOf = (given) =>
  (Array.isArray(given) ? given : [])
    .slice(0, RULES_MAX)
    .filter((rule) => typeof rule?.pointer === 'string' || rule?.html === true)
    .map(({ from, pointer, html, depth }) => ({
      from: [from].flat().filter((pattern) => pattern && typeof pattern === 'string'),
      pointer: html ? undefined : pointer,
      html,
      depth: Math.min(+depth || 1, DEPTH_MAX),
    }))

/**
 * @param {string} url
 * @param {Response} response What it answered; used up.
 * @param {Rule[]} rules
 * @param {number} depth 0 for what was asked for.
 * @returns {Promise<string[]>} Absolute URLs of pages, pictures and the like, each once.
 * @throws {Error} `json` or `large`: it cannot be looked through. What code of the site's own throws.
 */
export async function follow(url, response, rules, depth) {
  const address = new URL(url)
  const wanted = rules.filter((rule) => depth < (rule.depth || 1) && fits(rule, address))
  const own = /** @type {any} */ (self).revisitFollow
  if (!wanted.length && !own) return []
  const { headers } = response
  const type = headers.get('content-type') || ''
  const style = /^text\/css/i.test(type)
  const page = /html/i.test(type)
  // A rule says nothing of what is not of its kind: a picture is no broken list.
  const useful = wanted.filter(({ pointer }) => (pointer === undefined ? style || page : !NO_LIST.test(type)))
  if (!useful.length && !own) return []
  const body = await response.blob()
  if (body.size > LOOKED_THROUGH_MAX) throw new Error('large')
  const text = useful.length ? await body.text() : ''
  /** @type {unknown} */
  let json
  // what is said twice, or in another way, is one URL
  const found = new Set()
  const add = (/** @type {unknown} */ written, base = url) => {
    const one = typeof written === 'string' && resolve(written, base)
    if (one) found.add(one)
  }
  for (const { pointer, html } of useful) {
    if (pointer !== undefined) {
      for (const written of pointed((json ??= parsed(text)), pointer)) add(written)
    } else if (html && style) {
      for (const written of loadedByStyle(text)) add(written)
    } else if (html) {
      const { base, urls } = loadedByPage(text)
      const from = resolve(base || url, url)
      for (const written of urls) add(written, from)
    }
  }
  for (const written of (await own?.(new Response(body, { headers }), url, depth)) || []) add(written)
  found.delete(url)
  return [...found]
}

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text)
  } catch {
    throw new Error('json')
  }
}

/**
 * @param {unknown} written
 * @param {string} [base]
 * @returns The URL without its fragment, if it is one that can be fetched.
 */
export function resolve(written, base) {
  try {
    const [url] = new URL(`${written}`, base).href.split('#')
    return /^https?:/.test(url) && url.length <= URL_CHARS_MAX ? url : undefined
  } catch {
    return undefined
  }
}

/**
 * @param {Rule} rule
 * @param {URL} url
 */
function fits({ from = [] }, { origin, pathname }) {
  let path = pathname
  try {
    path = decodeURIComponent(path) // patterns are written as people read paths
  } catch {
    // it has to be written as it is
  }
  const own = origin === new URL(scope).origin
  return !from.length || from.some((pattern) => (pattern[0] === '/' ? own && matches(pattern, path) : matches(pattern, origin + path)))
}

/**
 * What a JSON Pointer (RFC 6901) points at; `*` stands for each member or element. Each value of the
 * document is looked at once at the most.
 *
 * @param {unknown} value
 * @param {string} pointer
 * @returns {unknown[]}
 */
export function pointed(value, pointer) {
  let found = [value]
  for (const token of pointer.split('/').slice(1)) {
    const name = token.replaceAll('~1', '/').replaceAll('~0', '~')
    /** @type {unknown[]} */
    const next = []
    for (const one of found) {
      if (typeof one !== 'object' || !one) continue
      if (token === '*') for (const each of Object.values(one)) next.push(each)
      else if (Object.hasOwn(one, name)) next.push(/** @type {any} */ (one)[name])
    }
    found = next
  }
  return found
}

/** The rules of the config. */
export const configured = /** @type {Rule[]} */ (config.prefetch?.follow || [])

/** What is certainly no JSON. */
const NO_LIST = /html|^(text\/css|image|font|audio|video)/i

/** More is no list of links: 4 MiB. */
const LOOKED_THROUGH_MAX = 4 << 20
const URL_CHARS_MAX = 8192
const RULES_MAX = 20
const DEPTH_MAX = 5
