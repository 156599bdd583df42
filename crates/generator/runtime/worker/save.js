// Pages that a visitor keeps for reading offline, with what they load. Each has a record that names
// what belongs to it: what two pages share goes with the second of them.

import { shortened } from './answer.js'
import { config } from './config.js'
import { OPAQUE, SAVED, run, tagsOf } from './errand.js'
import { configured, resolve, rulesOf } from './follow.js'
import { key } from './keep.js'
import { stash, stow, stowed, stowedUrls } from './stash.js'

/**
 * @typedef {object} SavedPage
 * @property {string} url
 * @property {string} title
 * @property {number} time When it was saved, in milliseconds since the epoch.
 * @property {number} lacking How much of what it loads could not be had.
 *
 * @typedef {SavedPage & {urls: string[]}} SavedRecord `urls`: all that belongs to it.
 */

/** One after the other: what one of them drops, another must not be about to use. */
let saving = Promise.resolve()

/**
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
function inTurn(work) {
  const made = saving.then(work)
  saving = made.then(
    () => {},
    () => {},
  )
  return made
}

/**
 * @param {any} payload `url`: the page, that of the sender if there is none; `urls`: what its scripts
 *   ask for; `follow`: rules for these; `title`; `tag`.
 * @param {string} base
 * @param {Pick<import('./errand.js').Errand, 'signal' | 'progress'>} more
 * @returns {Promise<import('./errand.js').Summary & {saved: boolean}>}
 */
export const save = ({ url, urls, title, follow, tag }, base, more) =>
  inTurn(async () => {
    const address = resolve(url ?? base, base)
    const page = address && shortened(address)
    /** @type {Map<string, undefined>} */
    const wanted = new Map()
    for (const one of [page, ...(Array.isArray(urls) ? urls : []).slice(0, ASKED_MAX)]) {
      const asked = typeof one === 'string' && resolve(one, base)
      if (asked) wanted.set(asked, undefined)
    }
    const tags = tagsOf(tag)
    const { summary, urls: kept } = await run({
      stash: SAVED,
      urls: page ? wanted : new Map(),
      // the page, its style sheets, and what those name
      rules: [{ html: true, depth: 2 }, ...configured, ...rulesOf(follow)],
      tags,
      followMax: FOLLOWED_MAX,
      room: config.prefetch?.saveMax || 0,
      copies: true,
      ...more,
    })
    const record = { url: page, title: `${title ?? ''}`, time: Date.now(), lacking: summary.refused + summary.ignored, urls: kept }
    const written = page && kept.includes(page) && !more.signal?.aborted
    const isSaved = !!written && (await stow(SAVED, key('saved', encodeURIComponent(page)), new Response(JSON.stringify(record)), { tags }))
    await dropUnnamed()
    return { ...summary, saved: isSaved }
  })

/** @returns {Promise<SavedRecord[]>} The last saved first. */
async function recorded() {
  /** @type {SavedRecord[]} */
  const found = []
  for (const url of await stowedUrls(SAVED)) {
    const kept = url.startsWith(key('saved')) && (await stowed(SAVED, url))
    if (kept) found.push(await kept.response.json())
  }
  return found.sort((a, b) => b.time - a.time)
}

/** @returns {Promise<SavedPage[]>} */
export const saved = async () => (await recorded()).map(({ url, title, time, lacking }) => ({ url, title, time, lacking }))

/**
 * @param {string} [page]
 * @returns {Promise<boolean>} Was it there?
 */
export const forget = (page) =>
  inTurn(async () => {
    const name = key('saved', encodeURIComponent(page ? shortened(page) : ''))
    if (!(await stowed(SAVED, name))) return false
    await (await stash(SAVED)).delete(name)
    await dropUnnamed()
    return true
  })

/** What no saved page names goes. */
async function dropUnnamed() {
  const named = new Set((await recorded()).flatMap(({ urls }) => urls))
  for (const name of [SAVED, SAVED + OPAQUE]) {
    for (const url of await stowedUrls(name)) {
      if (named.has(url) || url.startsWith(key('saved'))) continue
      await (await stash(name)).delete(url)
    }
  }
}

/** URLs that a page's scripts ask for, and URLs that it is found to load. */
const ASKED_MAX = 100
const FOLLOWED_MAX = 500
