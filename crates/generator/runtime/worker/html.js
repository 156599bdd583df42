// Which URLs does a page, or a style sheet, load? Workers have no DOMParser; this looks at tags and
// their attributes as a parser tokenizes them, and at nothing that scripts do. It reads each
// character a bounded number of times and never throws, whatever the text is.
//
// HTML §13.2.5 (tokenization), §4.8.4.3.4 (srcset), CSS Syntax §4.3.6 (url tokens).

/**
 * @param {string} html
 * @returns {{base: string, urls: string[]}} As they are written. `base`: of the first `<base href>`,
 *   empty if there is none.
 */
export function loadedByPage(html) {
  /** @type {string[]} */
  const urls = []
  let base = ''
  for (let at = html.indexOf('<'); at >= 0; at = html.indexOf('<', at)) {
    if (html.startsWith('<!--', at)) {
      const end = html.indexOf('-->', at + 4)
      if (end < 0) break
      at = end + 3
      continue
    }
    TAG.lastIndex = at
    const [, tag] = TAG.exec(html) || []
    if (!tag) {
      at++
      continue
    }
    const name = tag.toLowerCase()
    /** @type {Map<string, string>} */
    const attributes = new Map()
    at = TAG.lastIndex
    for (;;) {
      ATTRIBUTE.lastIndex = at
      const found = ATTRIBUTE.exec(html)
      if (!found) break
      at = ATTRIBUTE.lastIndex
      const key = found[1].toLowerCase()
      // of two with one name the first one counts
      if (!attributes.has(key)) attributes.set(key, (found[2] ?? found[3] ?? found[4] ?? '').replace(AMPERSAND, '&'))
    }
    const take = (/** @type {string} */ key) => {
      const url = attributes.get(key)?.trim()
      if (url) urls.push(url)
    }
    const takeSet = (/** @type {string} */ key) => {
      for (const url of candidates(attributes.get(key) || '')) urls.push(url)
    }
    if (name === 'base') base ||= attributes.get('href') || ''
    if (/^(img|script)$/.test(name)) take('src')
    if (/^(img|source)$/.test(name)) takeSet('srcset')
    if (name === 'video') take('poster')
    if (name === 'link' && RELATIONS.test(attributes.get('rel') || '')) {
      take('href')
      takeSet('imagesrcset')
    }
    if (RAW.test(name)) {
      // what looks like tags in there is text
      const end = new RegExp(`</${name}[\\s/>]`, 'gi')
      end.lastIndex = at
      if (!end.exec(html)) break
      at = end.lastIndex - 1
    }
  }
  return { base, urls }
}

/**
 * All of a `srcset`: which one a browser takes is up to screen and zoom.
 *
 * @param {string} text
 */
const candidates = (text) => [...text.matchAll(/([^\s,](?:\S*[^\s,])?)(?:\s[^,]*)?/g)].map(([, url]) => url)

/**
 * @param {string} css
 * @returns {string[]} As they are written.
 */
export const loadedByStyle = (css) =>
  [...css.matchAll(STYLE_URL)].flatMap(([, ...forms]) => forms.find((url) => url)?.trim() || [])

const TAG = /<([a-z][^\s/>]*)/iy
const ATTRIBUTE = /[\s/]*([^\s/>][^\s/>=]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+)))?/y
const AMPERSAND = /&(?:amp|#38|#x26);/gi
const RAW = /^(script|style|title|textarea|noframes|iframe|xmp)$/
const RELATIONS = /(^|\s)(stylesheet|preload|modulepreload|icon)(\s|$)/i
const STYLE_URL = /url\(\s*(?:"([^"]*)"|'([^']*)'|([^\s"'()]+))|@import\s+(?:"([^"]*)"|'([^']*)')/gi
