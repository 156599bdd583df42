// Fetches ahead, and what that leads to: each URL once for however many messages ask, a few at a time,
// within limits. Whatever goes wrong with one URL is said of it, and harms no other.

import { seek, serve } from './answer.js'
import { config } from './config.js'
import { failed, failure, lanes } from './download.js'
import { features } from './features.js'
import { follow } from './follow.js'
import { generation, list } from './generation.js'
import { scope, worker } from './global.js'
import { urlPath } from './route.js'
import { clearings, keepable, label, stow, stowed, stowedUrls } from './stash.js'

/**
 * @typedef {object} Errand
 * @property {string} stash Where it is kept.
 * @property {Map<string, RequestInit | undefined>} urls What was asked for.
 * @property {import('./follow.js').Rule[]} rules
 * @property {string[]} tags
 * @property {number} followMax Most URLs that are followed.
 * @property {number} room Most bytes that are fetched.
 * @property {boolean} [copies] Also of what is there already, in this stash too.
 * @property {AbortSignal} [signal]
 * @property {(done: number, total: number) => void} [progress]
 *
 * @typedef {object} Summary What became of it.
 * @property {number} total URLs that it came to.
 * @property {number} fetched Of them, the ones that were asked for and are kept.
 * @property {number} had Those that were there already, and young: they cost no request.
 * @property {number} refused Those that are not kept, or not looked through.
 * @property {{url: string, reason: string, status?: number}[]} failed The first twenty of them, with the
 *   reason: `status`, `network`, `stalled`, `no-store`, `redirected` (a page), `large`, `json`, `quota`,
 *   `refused` (by the rules of its route), `cleared`, `aborted`, or the text of what `revisitFollow` threw.
 * @property {number} ignored URLs beyond the limits, or none at all.
 * @property {number} size Bytes that were fetched.
 *
 * @typedef {{had: boolean, read: () => Response | undefined | Promise<Response | undefined>, from: string}} Got
 *   `from`: where it came from in the end.
 */

/**
 * @param {Errand} errand Its `room` becomes what is left of it.
 * @returns {Promise<{summary: Summary, urls: string[]}>} `urls`: what is kept of it. Never rejects.
 */
export async function run(errand) {
  const since = clearings()
  const { urls, rules, signal } = errand
  const room = errand.room
  /** @type {Summary} */
  const summary = { total: 0, fetched: 0, had: 0, refused: 0, failed: [], ignored: 0, size: 0 }
  const seen = new Set(urls.keys())
  /** @type {string[]} */
  const kept = []
  /** @type {Promise<void>[]} */
  const visits = []
  const followMax = seen.size + errand.followMax
  let done = 0
  /** @param {string} url @param {unknown} error */
  const refuse = (url, error) => {
    // code of the site's own throws anything
    const { reason = `${error}`, status } = error instanceof Error ? failure(error) || { reason: error.message } : {}
    summary.refused++
    if (summary.failed.length < FAILED_MAX) summary.failed.push({ url, reason, status })
  }
  const visit = async (/** @type {string} */ url, /** @type {number} */ depth) => {
    try {
      const got = await bringOnce(url, errand, since)
      summary[got.had ? 'had' : 'fetched']++
      kept.push(url)
      const response = await got.read()
      for (const next of response ? await follow(got.from, response, rules, depth) : []) {
        if (seen.has(next)) continue
        if (seen.size < followMax && !signal?.aborted) {
          seen.add(next)
          visits.push(visit(next, depth + 1))
        } else {
          summary.ignored++
        }
      }
    } catch (error) {
      refuse(url, error)
    }
    errand.progress?.(++done, seen.size)
  }
  errand.progress?.(0, seen.size)
  for (const url of urls.keys()) visits.push(visit(url, 0))
  // it grows meanwhile
  for (const one of visits) await one
  summary.total = seen.size
  summary.size = room - errand.room
  return { summary, urls: kept }
}

/** @typedef {{users: Set<Errand>, controller: AbortController, got: Promise<Got>}} Job */

/** @type {Map<string, Job>} What is being fetched, by stash and URL, and for whom. */
const jobs = new Map()

/** How much is under way, or waits for its turn. */
export const busy = () => jobs.size

/** What is under way is not wanted any more, by nobody. */
export function giveUp() {
  for (const { controller } of jobs.values()) controller.abort()
}

/**
 * Where something is kept, and by which rules: those of the route that answers it, if there is one.
 *
 * @typedef {{name: string, url: string, opaque: string, terms: import('./stash.js').Terms, init?: RequestInit}} Place
 *   `opaque`: the stash of what cannot be read, empty if that is not wanted.
 *
 * @param {string} url
 * @param {Errand} errand
 * @param {number} since
 * @returns {Place}
 */
function placeOf(url, { stash, urls, tags }, since) {
  const terms = { tags, since, private: true }
  const init = urls.get(url)
  const request = new Request(url)
  const route = stash === PREFETCHED && features.routeFor?.(request)
  if (route && route.strategy !== 'networkOnly') {
    const { name, credentials } = route
    const keptUrl = features.keyOf?.(route, request).url || url
    return { name, url: keptUrl, opaque: route.opaque ? name : '', terms: { ...route, tags, since }, init: { credentials, ...init } }
  }
  const limits = stash === PREFETCHED ? { bytesMax: sizeMax, entriesMax: ENTRIES_MAX } : {}
  return { name: stash, url, opaque: opaque ? stash + OPAQUE : '', terms: { ...terms, ...limits }, init }
}

/**
 * @param {string} url
 * @param {Errand} errand
 * @param {number} since
 * @returns {Promise<Got>}
 */
async function bringOnce(url, errand, since) {
  const { signal, tags } = errand
  if (since !== clearings()) throw failed(url, 'cleared')
  if (signal?.aborted) throw failed(url, 'aborted')
  const place = placeOf(url, errand, since)
  const id = errand.stash + url
  const running = jobs.get(id)
  // one that was given up, and waits for its turn to hear of it, is nobody's to join
  const begun = running?.controller.signal.aborted ? undefined : running
  const job = begun || begin(url, errand, place)
  if (!begun) jobs.set(id, job)
  const { users } = job
  users.add(errand)
  signal?.addEventListener('abort', () => {
    users.delete(errand)
    if (!users.size) job.controller.abort()
  })
  try {
    const got = await job.got
    if (tags.length && (begun || got.had)) await label(place.name, place.url, tags)
    return got
  } finally {
    if (jobs.get(id) === job) jobs.delete(id)
  }
}

/**
 * @param {string} url
 * @param {Errand} errand
 * @param {Place} place
 * @returns {Job}
 */
function begin(url, errand, place) {
  const controller = new AbortController()
  const { signal } = controller
  const got = bring(url, errand, place, controller).catch((error) => {
    if (place.terms.since !== clearings()) throw failed(url, 'cleared')
    if (!signal.aborted || failure(error)) throw error
    throw failed(url, signal.reason === 'stalled' ? 'stalled' : 'aborted')
  })
  return { users: new Set(), controller, got }
}

/**
 * @param {string} url
 * @param {Errand} errand
 * @param {Place} place
 * @param {AbortController} controller
 * @returns {Promise<Got>}
 */
async function bring(url, errand, place, controller) {
  const { copies } = errand
  const there = (await ofTheSite(url)) || (await young(url, copies ? placeOf(url, { ...errand, stash: PREFETCHED }, 0) : place))
  if (there && !copies) return there
  const { body, headers, from } = (there && (await copied(there))) || (await turn(() => take(url, errand, place, controller)))
  const read = () => (body ? new Response(body, { headers }) : undefined)
  const response = read()
  if (response && !(await stow(place.name, place.url, response, place.terms))) throw failed(url, 'quota')
  cameIn(url)
  return { had: !!there, read, from }
}

/**
 * What the build has costs no request, and what it keeps on use is kept by that.
 *
 * @param {string} url
 * @returns {Promise<Got | undefined>}
 */
async function ofTheSite(url) {
  const build = url.startsWith(scope) ? await generation(config.build) : undefined
  const found = build && (await seek(build, new URL(url)))
  if (!found) return undefined
  const entry = (await list(build, found.file)).get(found.file)
  const request = new Request(url)
  const read = () => serve(build, entry, request)
  const from = scope + urlPath(found.file)
  if (await read()) return { had: true, read, from }
  if (!features.lazy || !entry || entry.group < 2) return undefined
  await turn(async () => {
    /** @type {Promise<unknown>[]} */
    const waits = []
    const waitUntil = (/** @type {Promise<unknown>} */ work) => waits.push(work)
    await features.lazy?.(entry, /** @type {FetchEvent} */ (/** @type {unknown} */ ({ request, waitUntil })))
    await Promise.all(waits)
  })
  return (await read()) && { had: false, read, from }
}

/**
 * @param {string} url
 * @param {Place} place
 * @returns {Promise<Got | undefined>}
 */
async function young(url, place) {
  for (const name of [place.name, place.opaque]) {
    const kept = name && (await stowed(name, place.url))
    if (!kept || !isYoung(kept.at)) continue
    // what nobody can read is not looked through
    const read = async () => (kept.response.type === 'opaque' ? undefined : (await stowed(name, place.url))?.response)
    return { had: true, read, from: url }
  }
  return undefined
}

/** @param {number} stored A clock that was set back makes nothing young. */
export const isYoung = (stored) => Date.now() >= stored && Date.now() - stored < freshMs

/** @param {Got} there */
async function copied({ read, from }) {
  const response = await read()
  return response && { body: await response.blob(), headers: response.headers, from }
}

/**
 * One request. No bytes for `config.stallMs` is a stall; more of them than there is room for end it.
 *
 * @param {string} url
 * @param {Errand} errand
 * @param {Place} place
 * @param {AbortController} controller
 * @returns {Promise<{body?: Blob, headers?: Headers, from: string}>} No body: it is kept, and cannot be read.
 */
async function take(url, errand, place, controller) {
  const { signal } = controller
  let timer = 0
  const heard = () => {
    clearTimeout(timer)
    timer = worker.setTimeout(() => controller.abort('stalled'), config.stallMs)
  }
  const ask = (/** @type {RequestInit} */ init) => fetch(url, { ...init, method: 'GET', signal, priority: 'low' })
  heard()
  try {
    if (signal.aborted || errand.room <= 0) throw failed(url, signal.aborted ? 'aborted' : 'large')
    const response = await ask({ ...place.init }).catch((error) => {
      if (!place.opaque || signal.aborted || new URL(url).origin === origin) throw signal.aborted ? error : failed(url, 'network')
    })
    if (!response) {
      const unreadable = await ask({ mode: 'no-cors' }).catch(() => {
        throw failed(url, 'network')
      })
      const terms = { ...place.terms, opaque: true, ...(place.opaque !== place.name && { entriesMax: OPAQUE_MAX }) }
      const kept = await stow(place.opaque, place.url, unreadable, terms)
      if (!kept) throw failed(url, 'quota')
      return { from: url }
    }
    const { status, headers, redirected } = response
    if (status !== 200) throw failed(url, 'status', status)
    if (isForbidden(response)) throw failed(url, 'no-store')
    // as it came: what is kept has lost the fields by which it varies
    if (!keepable(response, place.terms)) throw failed(url, 'refused')
    // its relative URLs would lead from the wrong place
    if (redirected && /html/.test(headers.get('content-type') || '')) throw failed(url, 'redirected')
    if (+(headers.get('content-length') || 0) > errand.room) throw failed(url, 'large')
    /** @type {Uint8Array<ArrayBuffer>[]} */
    const chunks = []
    const reader = response.body?.getReader()
    for (;;) {
      const { value } = (await reader?.read().catch((error) => {
        throw signal.aborted ? error : failed(url, 'network')
      })) || {}
      if (!value) break
      heard()
      if ((errand.room -= value.length) < 0) throw failed(url, 'large')
      chunks.push(value)
    }
    return { body: new Blob(chunks), headers: bare(headers), from: response.url }
  } catch (error) {
    // what is still to come of it
    controller.abort()
    throw error
  } finally {
    clearTimeout(timer)
  }
}

/** Of a message. @param {unknown} tag */
export const tagsOf = (tag) => (typeof tag === 'string' ? [tag] : [])

/** @param {Response} response That server means it, whoever asks. */
export const isForbidden = ({ headers }) => /\bno-store\b/i.test(headers.get('cache-control') || '')

/**
 * For a body that is decoded, and is kept once for all who ask.
 *
 * @param {Headers} from
 */
export function bare(from) {
  const headers = new Headers(from)
  for (const name of ['vary', 'content-encoding', 'content-length']) headers.delete(name)
  return headers
}

/**
 * URLs that are kept, or were: whose lack saves a look into the stashes. Unknown until they are read.
 *
 * @type {Set<string> | undefined}
 */
let urlsKept

/** Those that came since. @type {Set<string>} */
const news = new Set()

/** @param {string} url */
const cameIn = (url) => {
  news.add(url)
  urlsKept?.add(url)
}

/** @returns What is known of them without waiting. */
export const peekKnown = () => urlsKept

/** Reads them once in the life of a worker. */
export async function readKnown() {
  if (urlsKept) return urlsKept
  const names = [PREFETCHED, SAVED, PREFETCHED + OPAQUE, SAVED + OPAQUE]
  const all = await Promise.all(names.map(stowedUrls))
  return (urlsKept ||= new Set([...all.flat(), ...news]))
}

const turn = lanes(config.prefetch?.lanes || 3)
const { sizeMax, freshMs, opaque } = /** @type {import('./config.js').Prefetch} */ (config.prefetch || {})
const { origin } = new URL(scope)

/** The stash of what pages had fetched ahead. */
export const PREFETCHED = 'prefetch'

/** That of saved pages. */
export const SAVED = 'saved'

/** Behind those names: the stash of what cannot be read. */
export const OPAQUE = '-opaque'

/** Browsers count megabytes for each. */
const OPAQUE_MAX = 20
const ENTRIES_MAX = 2000
const FAILED_MAX = 20
