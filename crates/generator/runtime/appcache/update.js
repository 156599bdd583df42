// The update process: asks for the manifest, fetches what it lists into a cache of its own, and makes that
// count when all of it is there, or not at all.
//
// HTML 5.1 (W3C, 2016), "downloading or updating application caches"; quotes are from there.

import { config } from './config.js'
import {
  categories,
  copyOf,
  Failure,
  fetchFile,
  fetchManifest,
  fetchPage,
  isFresh,
  keep,
  open,
  requestOf,
  storedAt,
} from './fetching.js'
import { forbidsStore } from './fresh.js'
import { associated, fire, joining, meet, pages } from './hosts.js'
import {
  associate,
  commit,
  discard,
  find,
  groupOf,
  mark,
  newest,
  ours,
  retire,
  stage,
  sweep,
  unmark,
  unstage,
} from './library.js'
import { parse } from './parse.js'
import { withRoom } from './room.js'
import { worker } from '../worker/global.js'

/**
 * @typedef {import('./library.js').Group} Group
 * @typedef {import('./library.js').Version} Version
 *
 * @typedef {object} Update
 * @property {string} [host] The page that began it.
 * @property {Map<string, string>} pending "Pending master entries": pages that came from the network, by client,
 *   with their URL.
 * @property {AbortController} control
 * @property {number} tries How often it was begun anew since the manifest changed meanwhile.
 * @property {Promise<void>} [done]
 *
 * @typedef {Awaited<ReturnType<typeof fetchManifest>>} Found
 */

/**
 * Updates a group, or joins the update that runs.
 *
 * @param {Group} group
 * @param {string} [host] The page that asks.
 * @param {string} [page] Its URL, if it came from the network and is to be kept.
 * @param {number} [tries]
 * @returns {Promise<void>} Kept when all is done and said.
 */
export async function update(group, host, page, tries = 0) {
  if (group.obsolete) return undefined
  const { update: running } = group
  if (running) {
    if (host) join(group, running, host, page)
    return running.done
  }
  /** @type {Update} */
  const run = { host, pending: new Map(), control: new AbortController(), tries }
  if (host && page) run.pending.set(host, page)
  group.update = run
  group.status = 'checking'
  // "if this is a cache attempt … at the invoking host" too; a page that merely joins a cache hears of the rest
  fire([...associated(group), ...(newest(group) || !host ? [] : [host])], 'checking')
  const lock = `${ours}appcache|${group.manifest}`
  run.done = worker.navigator.locks
    .request(lock, () => work(group, run))
    .then((waiting) => (waiting ? rerun(group, run, waiting) : undefined))
  return run.done
}

/**
 * @param {Group} group
 * @param {Update} running
 * @param {string} host
 * @param {string} [page]
 */
function join(group, running, host, page) {
  fire([host], 'checking')
  if (page) running.pending.set(host, page)
  if (group.status !== 'downloading') return
  if (page) joining.add(host)
  fire([host], 'downloading')
}

/**
 * @param {Group} group
 * @param {Update} run
 * @returns {Promise<[string, string][] | undefined>} The pages for which it is to be done again.
 */
async function work(group, run) {
  const before = newest(group)
  /** @type {{seq: number, cache: Cache} | undefined} */
  let staged
  try {
    const { signal } = run.control
    const known = before && (await copyOf(before, group.manifest))
    const found = known && isFresh(known) ? undefined : await fetchManifest(group.manifest, signal)
    if (before && (!found || found.status === 304 || same(found.bytes, await known?.response.arrayBuffer()))) {
      await adopt(before, run)
      // its lifetime begins anew; without it the next update asks once more
      if (found?.response.ok && isFresh(found)) await renew(before, found.response).catch(() => {})
      const hosts = associated(group)
      settle(group, run)
      fire(hosts, 'noupdate')
      return undefined
    }
    const { bytes, response } = /** @type {Found} */ (found)
    const manifest = understood(group.manifest, bytes, response)
    staged = await stage()
    group.status = 'downloading'
    for (const id of run.pending.keys()) joining.add(id)
    fire(hostsOf(group, run), 'downloading')
    await fill(staged.cache, group, run, manifest, before)
    await adopt({ ...staged, group }, run)
    await confirm(group.manifest, bytes, signal)
    // who came meanwhile
    await adopt({ ...staged, group }, run)
    const listed = await requestOf(staged.cache, group.manifest)
    const as = [...categories(listed), 'manifest']
    const { seq, cache } = staged
    await withRoom(() => keep(cache, group.manifest, as, response.clone()))
    signal.throwIfAborted()
    const { fallback, network, wildcard, mode } = manifest
    const says = { manifest: group.manifest, fallback, network, wildcard, mode }
    const version = await withRoom(() => commit(group, seq, says))
    staged = undefined
    const noted = [...run.pending.keys()].map((id) => associate(id, version, 0))
    const hosts = hostsOf(group, run)
    settle(group, run)
    fire(hosts, before ? 'updateready' : 'cached')
    // It counts, whatever becomes of these: the worker knows who has it as long as it lives.
    await Promise.allSettled(noted)
    return undefined
  } catch (error) {
    if (staged) await unstage(staged.seq).catch(() => {})
    return fail(group, run, failure(error, run))
  } finally {
    // what it leaves the next one finds
    await sweep().catch(() => {})
  }
}

/**
 * @param {Version} version
 * @param {Response} response Its manifest, which came once more with the same bytes.
 */
async function renew(version, response) {
  const cache = await open(version)
  await keep(cache, version.manifest, categories(await requestOf(cache, version.manifest)), response)
}

/**
 * Nothing is under way any more: what pages do when they hear of that may begin the next update.
 *
 * @param {Group} group
 * @param {Update} run
 */
function settle(group, run) {
  for (const id of run.pending.keys()) joining.delete(id)
  group.update = undefined
  group.status = 'idle'
}

/**
 * @param {Group} group
 * @param {Update} run
 */
const hostsOf = (group, run) => [...associated(group), ...run.pending.keys()]

/**
 * @param {string} url
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {Response} response
 */
function understood(url, bytes, response) {
  const { profile } = config
  const widened = profile.typeWidensPath && /^text\/cache-manifest\b/i.test(response.headers.get('content-type') || '')
  const manifest = parse(bytes, url, widened ? { ...profile, fallbackPathRule: false } : profile)
  if (!manifest) throw new Failure('signature', 'the manifest does not begin with `CACHE MANIFEST`', url)
  const { explicit, fallback } = manifest
  if (explicit.length + fallback.length > ENTRIES_MAX) {
    throw new Failure('policy', `the manifest lists more than ${ENTRIES_MAX} files`, url)
  }
  return manifest
}

/** Each costs a browser some milliseconds, whatever its size. */
const ENTRIES_MAX = 20_000
/**
 * Pages that were only visited, each with its query: so many are kept, those that were written last ("user agents may …
 * skip" the others).
 */
const MASTERS_MAX = 100
/** As many as browsers send to one server over HTTP/1.1. */
const LANES = 6
/** "a short while". */
const RERUN_MS = 3000
/** A manifest with the time in it is another whenever it is asked for. */
const RERUNS_MAX = 5

/**
 * Fetches what the manifest lists, and the pages that the version before has beside.
 *
 * @param {Cache} cache
 * @param {Group} group
 * @param {Update} run
 * @param {import('./parse.js').Manifest} manifest
 * @param {Version} [before]
 */
async function fill(cache, group, run, manifest, before) {
  /** @type {Map<string, Set<string>>} */
  const files = new Map()
  const add = (/** @type {string} */ url, /** @type {string} */ as) =>
    files.set(url, (files.get(url) || new Set()).add(as))
  for (const url of manifest.explicit) add(url, 'explicit')
  for (const [, target] of manifest.fallback) add(target, 'fallback')
  const visited = new Set(before?.master)
  for (const request of before ? await (await open(before)).keys() : []) {
    if (categories(request).includes('master')) visited.add(request.url)
  }
  const beside = [...visited].filter((url) => !files.has(url))
  const kept = new Set(beside.slice(-MASTERS_MAX))
  for (const url of visited) if (files.has(url) || kept.has(url)) add(url, 'master')
  const { signal } = run.control
  const total = files.size
  let loaded = 0
  const progress = () => fire(hostsOf(group, run), 'progress', { loaded, total })
  const rest = files.entries()
  const lane = async () => {
    try {
      for (const [url, as] of rest) {
        signal.throwIfAborted()
        progress()
        await withRoom(() => take(cache, url, as, before, signal))
        loaded++
      }
    } catch (error) {
      run.control.abort(failure(error, run))
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  signal.throwIfAborted()
  progress()
}

/**
 * One file of a new version.
 *
 * @param {Cache} cache
 * @param {string} url
 * @param {Set<string>} as
 * @param {Version | undefined} before
 * @param {AbortSignal} signal
 */
async function take(cache, url, as, before, signal) {
  const required = as.size > 1 || !as.has('master')
  let found
  try {
    found = await fetchFile(url, before, signal)
    const { response } = found
    if (response.type !== 'opaque') {
      const { status } = response
      if (!response.ok) throw new Failure('resource', `${url} came with status ${status}`, url, status)
      if (forbidsStore(response.headers)) {
        if (config.profile.skipsNoStore && as.has('explicit') && !as.has('fallback')) {
          return console.warn(`revisit: ${url} is left out: it says no-store`)
        }
        throw new Failure('policy', `${url} says no-store`, url, status)
      }
    }
  } catch (error) {
    if (signal.aborted) throw error
    const failed = error instanceof Failure ? error : new Failure('resource', `${url} could not be had: ${error}`, url)
    if (required) throw failed
    // A page that was only visited: gone, or in trouble, of which it has a copy.
    const { status, reason } = /** @type {any} */ (failed)
    found = reason !== 'policy' && status !== 404 && status !== 410 && before && (await copyOf(before, url))
    if (!found) return undefined
  }
  return keep(cache, url, as, found.response, found.at)
}

/**
 * Keeps the pages that joined, of which none need be fetched anew: the browser has just loaded them.
 *
 * @param {{seq: number, group: Group}} version
 * @param {Update} run
 */
async function adopt(version, run) {
  const { group } = version
  const complete = group.versions.find(({ seq }) => seq === version.seq)
  const cache = await open(version)
  const { signal } = run.control
  for (const [id, url] of run.pending) {
    if (!(await withRoom(() => keepPage(cache, version.seq, complete, url, signal)))) {
      run.pending.delete(id)
      joining.delete(id)
      fire([id], 'error', { reason: 'resource', message: `${url} is no page that may be kept`, url })
      continue
    }
    if (complete) {
      await associate(id, complete, 0)
      run.pending.delete(id)
    }
  }
  if (!newest(group) && !run.pending.size) throw new Failure('resource', 'there is no page left to keep it for')
}

/**
 * @param {Cache} cache
 * @param {number} seq
 * @param {Version | undefined} complete What it is, if it counts already.
 * @param {string} url
 * @param {AbortSignal} signal
 * @returns Is it a page that may be kept?
 */
async function keepPage(cache, seq, complete, url, signal) {
  const held = await requestOf(cache, url)
  const as = categories(held)
  const there = held && (await find({ seq }, url))
  const page = there || (await fetchPage(url, signal))
  signal.throwIfAborted()
  if (!page || as.includes('master')) return !!page
  if (there && complete) {
    if (!complete.master.has(url)) await mark(complete, 'master', url)
    return true
  }
  await keep(cache, url, [...as, 'master'], page, there && storedAt(held))
  const visited = (await cache.keys()).filter((request) => `${categories(request)}` === 'master')
  for (const { url: oldest } of visited.slice(0, -MASTERS_MAX)) {
    await cache.delete(oldest, { ignoreVary: true })
    if (complete?.foreign.has(oldest)) await unmark(complete, 'foreign', oldest)
  }
  return true
}

/**
 * "Fetch the resource … again": who changes files one by one must not get a mixture.
 *
 * @param {string} url
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {AbortSignal} signal
 */
async function confirm(url, bytes, signal) {
  let again
  try {
    again = await fetchManifest(url, signal)
  } catch (error) {
    if (signal.aborted) throw error
    // "If the previous step failed for any reason": what it means that a manifest is gone the next look will say
    throw new Failure('changed', `the manifest could not be had again: ${error}`, url)
  }
  if (again.status !== 304 && !same(again.bytes, bytes)) {
    throw new Failure('changed', 'the manifest changed while its files were fetched', url)
  }
}

/**
 * @param {Uint8Array} bytes
 * @param {ArrayBuffer | Uint8Array<ArrayBuffer> | undefined} others
 */
function same(bytes, others) {
  const theirs = others && new Uint8Array(others)
  return !!theirs && bytes.length === theirs.length && bytes.every((byte, at) => byte === theirs[at])
}

/**
 * @param {any} error
 * @param {Update} run
 * @returns {Failure}
 */
function failure(error, { control: { signal } }) {
  const cause = signal.aborted ? signal.reason : error
  if (cause instanceof Failure) return cause
  return new Failure(cause?.name === 'QuotaExceededError' ? 'quota' : 'unknown', `${cause}`)
}

/**
 * The "cache failure steps", and what a manifest means that is gone.
 *
 * @param {Group} group
 * @param {Update} run
 * @param {any} why
 */
async function fail(group, run, why) {
  const { reason, message, url, status } = why
  const gone = reason === 'manifest' && (status === 404 || status === 410)
  const waiting = [...run.pending]
  const theirs = associated(group)
  // what cannot be written down the next worker finds out as this one did
  if (gone) await retire(group).catch(() => {})
  settle(group, run)
  const detail = { reason, message, url, state: status }
  fire(theirs, gone ? 'obsolete' : 'error', detail)
  fire(waiting.map(([id]) => id).filter((id) => !theirs.includes(id)), 'error', detail)
  discard(group)
  return reason === 'changed' && run.tries < RERUNS_MAX ? waiting : undefined
}

/**
 * Begins anew with the pages that are still there.
 *
 * @param {Group} group
 * @param {Update} run
 * @param {[string, string][]} waiting
 */
async function rerun({ manifest }, run, waiting) {
  await new Promise((resolve) => setTimeout(resolve, RERUN_MS))
  await meet()
  const there = waiting.filter(([id]) => pages.has(id))
  const group = groupOf(manifest)
  if (!there.length && !newest(group)) return discard(group)
  const [[host, page] = [run.host, undefined], ...others] = there
  const done = update(group, host, page, run.tries + 1)
  for (const [id, url] of others) void update(group, id, url)
  await done
}
