// Reads an AppCache manifest: what to keep, what stands in for what, and what goes to the network.
//
// Nothing but a wrong signature makes it fail; a line that means nothing is passed over by itself. The same
// rule lives in Rust (`rules/appcache`), and both answer `tests/vectors/appcache-vectors.json`.
//
// HTML 5.1 (W3C, 2016), "parsing cache manifests".

/**
 * In what browsers and guides of the time differed from the text.
 *
 * @typedef {object} Profile
 * @property {boolean} [crossOriginHttpsExplicit] Over https, may files of other origins be listed? Default true.
 * @property {boolean} [fallbackPathRule] Must a fallback namespace lie in the manifest's own folder? Default true.
 * @property {boolean} [schemeWildcards] Do `http://*` and `https://*` open the network as `*` does? Default false.
 *
 * @typedef {object} Manifest
 * @property {string[]} explicit What is kept, as URLs without a fragment.
 * @property {[namespace: string, target: string][]} fallback
 * @property {string[]} network Prefixes of URLs.
 * @property {boolean} wildcard May anything else be loaded?
 * @property {'fast' | 'prefer-online'} mode
 * @property {{line: number, reason: string}[]} ignored Lines of data without an effect, from 1.
 */

const SIGNATURE = /^CACHE MANIFEST(?![^ \t\r\n])/

/** @type {Record<string, string>} */
const SECTIONS = { 'CACHE:': 'explicit', 'FALLBACK:': 'fallback', 'NETWORK:': 'network', 'SETTINGS:': 'settings' }

/**
 * @param {BufferSource} bytes
 * @param {string} address Of the manifest.
 * @param {Profile} [profile]
 * @returns {Manifest | undefined} `undefined`: the signature is not there.
 */
export function parse(bytes, address, profile = {}) {
  const { crossOriginHttpsExplicit = true, fallbackPathRule = true, schemeWildcards = false } = profile
  const text = new TextDecoder().decode(bytes) // takes one byte order mark away
  if (!SIGNATURE.test(text)) return undefined
  const base = new URL(address)
  const folder = base.pathname.replace(/[^/]*$/, '')
  /** @type {Set<string>} */
  const explicit = new Set()
  /** @type {Map<string, string>} */
  const fallback = new Map()
  /** @type {Set<string>} */
  const network = new Set()
  let wildcard = false
  /** @type {Manifest['mode']} */
  let mode = 'fast'

  /** @type {Record<string, (tokens: string[]) => string | undefined>} Each says why a line is without effect. */
  const sections = {
    explicit([token]) {
      const url = resolve(token, base)
      if (!url) return 'invalid-url'
      if (url.protocol !== base.protocol) return 'scheme'
      if (!crossOriginHttpsExplicit && url.protocol === 'https:' && url.origin !== base.origin) return 'cross-origin'
      explicit.add(url.href)
      return undefined
    },
    fallback([first, second]) {
      if (!second) return 'fallback-needs-two-urls'
      const namespace = resolve(first, base)
      const target = resolve(second, base)
      if (!namespace || !target) return 'invalid-url'
      if (namespace.origin !== base.origin || target.origin !== base.origin) return 'cross-origin'
      if (fallbackPathRule && !namespace.pathname.startsWith(folder)) return 'outside-manifest-path'
      if (fallback.has(namespace.href)) return 'duplicate-namespace'
      fallback.set(namespace.href, target.href)
      return undefined
    },
    network([token]) {
      if (token === '*' || (schemeWildcards && [`${base.protocol}//*`, `${base.protocol}//*/`].includes(token))) {
        wildcard = true
        return undefined
      }
      const url = resolve(token, base)
      if (!url) return 'invalid-url'
      if (url.protocol !== base.protocol) return 'scheme'
      network.add(url.href)
      return undefined
    },
    settings([token, ...more]) {
      if (token !== 'prefer-online' || more.length) return 'unknown-setting'
      mode = token
      return undefined
    },
    unknown: () => 'unknown-section',
  }

  let section = 'explicit'
  const ignored = []
  const lines = text.split(/\r\n|\r|\n/)
  for (let at = 1; at < lines.length; at++) {
    const line = trimmed(lines[at])
    if (!line || line[0] === '#') continue
    if (line.endsWith(':')) {
      section = SECTIONS[line] || 'unknown'
      continue
    }
    const reason = sections[section](line.split(/[ \t]+/))
    if (reason) ignored.push({ line: at + 1, reason })
  }
  return { explicit: [...explicit], fallback: [...fallback], network: [...network], wildcard, mode, ignored }
}

/**
 * Without spaces and tabs at its ends, and those alone. By hand: a regular expression would look at a long
 * run of spaces in the middle once for each of them.
 *
 * @param {string} line
 */
function trimmed(line) {
  let start = 0
  let end = line.length
  while (line[start] === ' ' || line[start] === '\t') start++
  while (end > start && (line[end - 1] === ' ' || line[end - 1] === '\t')) end--
  return line.slice(start, end)
}

/**
 * @param {string} token
 * @param {URL} base
 */
function resolve(token, base) {
  try {
    const url = new URL(token, base)
    url.hash = ''
    return url
  } catch {
    return undefined
  }
}
