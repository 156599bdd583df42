// Links say themselves when they are worth fetching: `data-revisit-prefetch` on them, or on what
// they are in, is `load`, `hover` (or focus, or the first touch), `view`, or `off`;
// `data-revisit-prefetch-top` on a list has its first so many fetched at load, whatever the others do.
// What names URLs of its own, by `data-revisit-prefetch-urls`, stands for the links within it. Those
// that come later count too. Nothing is fetched for a visitor who saves data.

import { atLeisure } from './client.js'

const NAMED = '[data-revisit-prefetch-urls]'
const LINK = 'a[href],area[href]'

/** Long enough that a pointer which passes by asks for nothing, in milliseconds. */
const INTENT_MS = 65

/** @param {import('./prefetch.js').PrefetchingRevisit} revisit */
export function heed(revisit) {
  /** Items that had their turn. */
  const done = new WeakSet()

  /** Lists, and how many of their items had theirs. */
  const counts = new WeakMap()

  /** @param {Iterable<Element>} items */
  const fetchFor = (items) => {
    /** @type {Map<string | undefined, string[]>} */
    const byTag = new Map()
    for (const item of items) {
      const tag = near(item, 'tag')
      byTag.set(tag, [...(byTag.get(tag) || []), ...urlsOf(item)])
    }
    for (const [tag, urls] of byTag) if (urls.length) void revisit.prefetch(urls, { tag })
  }

  let timer = 0
  /** @type {Element | undefined} */
  let intended
  /** @param {Event} event */
  const intend = (event) => {
    const [element] = event.composedPath()
    const item = element instanceof Element ? itemOf(element) : undefined
    if (item === intended && event.type !== 'touchstart') return
    clearTimeout(timer)
    intended = item
    if (!item || near(item, '') !== 'hover') return
    timer = window.setTimeout(() => fetchFor([item]), event.type === 'touchstart' ? 0 : INTENT_MS)
  }
  for (const type of ['pointerover', 'focusin', 'touchstart']) addEventListener(type, intend, { passive: true })

  const views = new IntersectionObserver((entries) => {
    const seen = entries.filter(({ isIntersecting }) => isIntersecting).map(({ target }) => target)
    for (const item of seen) views.unobserve(item)
    fetchFor(seen)
  })

  /** What is there now, and has not had its turn. */
  const look = () => {
    waits = false
    /** @type {Element[]} */
    const now = []
    const take = (/** @type {Element} */ item) => {
      if (done.has(item)) return false
      done.add(item)
      now.push(item)
      return true
    }
    for (const container of document.querySelectorAll('[data-revisit-prefetch-top]')) {
      const top = +(container.getAttribute('data-revisit-prefetch-top') || 0)
      let count = counts.get(container) || 0
      for (const item of itemsIn(container)) {
        if (count >= top) break
        if (near(item, '') !== 'off' && take(item)) count++
      }
      counts.set(container, count)
    }
    for (const marked of document.querySelectorAll('[data-revisit-prefetch=load],[data-revisit-prefetch=view]')) {
      for (const item of itemsIn(marked)) {
        const mode = near(item, '')
        if (mode === 'load') take(item)
        if (mode === 'view' && !done.has(item)) {
          done.add(item)
          views.observe(item)
        }
      }
    }
    fetchFor(now)
  }

  /** However much changes, it is looked at once. */
  let waits = false
  const lookSoon = () => {
    if (!waits) atLeisure(look)
    waits = true
  }
  const begin = () => {
    lookSoon()
    const attributeFilter = ['', '-top', '-urls'].map((name) => `data-revisit-prefetch${name}`)
    new MutationObserver(lookSoon).observe(document, { childList: true, subtree: true, attributes: true, attributeFilter })
  }
  if (document.readyState === 'complete') begin()
  else addEventListener('load', begin)
}

/**
 * What is fetched for: an element that names URLs, or else a link.
 *
 * @param {Element} element
 * @returns {Element | undefined} It, or what it is in.
 */
const itemOf = (element) => element.closest(NAMED) || element.closest(LINK) || undefined

/** @param {Element} marked */
const itemsIn = (marked) =>
  [marked, ...marked.querySelectorAll(`${NAMED},${LINK}`)].filter((element) => itemOf(element) === element)

/**
 * What the nearest attribute of that name says.
 *
 * @param {Element} item
 * @param {'' | 'tag'} name
 */
function near(item, name) {
  const attribute = `data-revisit-prefetch${name && '-'}${name}`
  return item.closest(`[${attribute}]`)?.getAttribute(attribute) ?? undefined
}

/**
 * Of a link only what is a page of this site; what else is wanted has to be named.
 *
 * @param {Element} item
 */
function urlsOf(item) {
  const named = item.getAttribute('data-revisit-prefetch-urls')
  if (named !== null) return named.split(/\s+/).filter(Boolean)
  const { href, origin, download } = /** @type {HTMLAnchorElement} */ (item)
  return origin === location.origin && !download && href.split('#')[0] !== location.href.split('#')[0] ? [href] : []
}
