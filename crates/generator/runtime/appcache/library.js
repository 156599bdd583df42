// What is kept: groups of application caches, and which page uses which.
//
// Each version of a cache lies in a cache of its own, filled before anybody knows of it; a record in the
// index is what makes it one that counts, so an update that is cut off anywhere leaves nothing. Records
// are keys, written once and never replaced: what a crash can leave is one too many.
//
// | key in the index, below `SCOPErevisit/appcache/` | what |
// | --- | --- |
// | `version/SEQ` | a complete cache: what its manifest says |
// | `obsolete/SEQ` | its group is gone: it serves only the pages that have it |
// | `foreign/SEQ/URL` | an entry of it is the page of another manifest |
// | `master/SEQ/URL` | an entry that its manifest lists is a page that somebody visited as well |
// | `used/SEQ/AT` | a page began with it then, to the hour |
// | `tab/CLIENT/SEQ/UNTIL` | a page has it; before UNTIL it may be on no list of clients |

import { config } from './config.js'
import { scope, worker } from '../worker/global.js'

/**
 * @typedef {object} Stored
 * @property {number} seq Its place among all caches of this scope, by age.
 * @property {Group} group
 * @property {Set<string>} foreign Entries that are pages of another manifest.
 * @property {Set<string>} master Listed entries that are visited pages as well; others bear it themselves.
 * @property {number} used When a page began with it last, to the hour, or when it was made.
 * @typedef {import('./rules.js').Says & Stored} Version A complete application cache.
 *
 * The caches of one manifest, and what is done about them now.
 * @typedef {object} Group
 * @property {string} manifest
 * @property {Version[]} versions Oldest first.
 * @property {boolean} obsolete
 * @property {'idle' | 'checking' | 'downloading'} status
 * @property {import('./update.js').Update} [update] The one that runs.
 *
 * @typedef {object} Tab
 * @property {Version} version
 * @property {number} until Before that it lives, though it be on no list of clients.
 * @property {string} record Where that is written down.
 */

/** What the names of all caches of this scope begin with, whatever worker made them. */
export const ours = `revisit|${scope}|`
const name = `${ours}${config.site}|appcache`
export const cacheOf = (/** @type {number} */ seq) => `${name}|${seq}`
export const index = () => caches.open(name)

/** Of an entry: why it is there, and since when; on the request that it is stored under. */
export const AS = 'x-revisit-as'
export const AT = 'x-revisit-at'

const home = `${scope}revisit/appcache/`
const key = (/** @type {(string | number)[]} */ ...parts) => home + parts.map(encodeURIComponent).join('/')
const partsOf = (/** @type {string} */ url) => url.slice(home.length).split('/').map(decodeURIComponent)

/** Those that are not obsolete, by manifest. @type {Map<string, Group>} */
export const groups = new Map()

/** By client. @type {Map<string, Tab>} */
export const tabs = new Map()

/** Every version that is not dropped yet. @type {Map<number, Version>} */
const versions = new Map()

let loaded = false
let loading = /** @type {Promise<void> | undefined} */ (undefined)

/** Is everything at hand? */
export const isLoaded = () => loaded

/** Reads the index, once in the life of a worker. */
export const load = () =>
  (loading ??= read().catch((error) => {
    loading = undefined
    throw error
  }))

async function read() {
  const cache = await index()
  for (const known of [groups, tabs, versions]) known.clear()
  const records = (await cache.keys())
    .map(({ url }) => ({ url, parts: partsOf(url) }))
    .sort((a, b) => +a.parts[1] - +b.parts[1])
  const gone = new Set(records.filter(({ parts }) => parts[0] === 'obsolete').map(({ parts }) => parts[1]))
  for (const { url, parts } of records) {
    if (parts[0] !== 'version') continue
    const says = await (await cache.match(url))?.json()
    const seq = +parts[1]
    const obsolete = gone.has(parts[1])
    const group = obsolete ? { ...newGroup(says.manifest), obsolete } : groupOf(says.manifest)
    const version = { used: 0, ...says, seq, group, foreign: new Set(), master: new Set() }
    group.versions.push(version)
    versions.set(seq, version)
  }
  for (const { url, parts } of records) {
    const marked = versions.get(+parts[1])
    if (isMark(parts[0])) marked?.[parts[0]].add(parts[2])
    if (parts[0] === 'used' && marked) marked.used = Math.max(marked.used, +parts[2])
    if (parts[0] !== 'tab') continue
    const [, id, seq, until] = parts
    const version = versions.get(+seq)
    const known = tabs.get(id)
    // a worker that was stopped in between may have left the page's last version as well
    if (version && !(known && known.version.seq > +seq)) {
      tabs.set(id, { version, until: +until, record: url })
    }
  }
  loaded = true
}

/**
 * @param {string} manifest
 * @returns {Group}
 */
export function groupOf(manifest) {
  const group = groups.get(manifest) || newGroup(manifest)
  groups.set(manifest, group)
  return group
}

/**
 * @param {string} manifest
 * @returns {Group}
 */
const newGroup = (manifest) => ({ manifest, versions: [], obsolete: false, status: 'idle' })

/** @param {Group} group */
export const newest = (group) => group.versions[group.versions.length - 1]

/** The newest version of each group, and of these the newest first. */
export const relevant = () =>
  [...groups.values()]
    .map(newest)
    .filter((version) => version)
    .sort((a, b) => b.seq - a.seq)

/**
 * @param {{seq: number}} version
 * @param {string} url
 */
export const find = ({ seq }, url) => caches.match(url, { cacheName: cacheOf(seq), ignoreVary: true })

/**
 * An empty cache for the next version; what an update that was cut off has left there goes.
 *
 * Its number was never that of another, whose records would count for it.
 */
export async function stage() {
  const taken = await numbers()
  for (const { url } of await (await index()).keys()) {
    const [kind, first, second] = partsOf(url)
    taken.push(+(kind === 'tab' ? second : first))
  }
  // From here to the end of this step nothing is waited for: another group may be at this very place.
  const seq = (last = taken.reduce((max, number) => Math.max(max, number), last) + 1)
  staged.add(seq)
  try {
    await dropLeft()
    return { seq, cache: await caches.open(cacheOf(seq)) }
  } catch (error) {
    staged.delete(seq)
    throw error
  }
}

/** The last number that this worker gave. */
let last = 0

/** Being filled now. @type {Set<number>} */
const staged = new Set()

/** Of the caches that lie there, whether they count or not. */
async function numbers() {
  const prefix = `${name}|`
  return (await caches.keys()).filter((other) => other.startsWith(prefix)).map((other) => +other.slice(prefix.length))
}

/** Drops caches that belong to nothing. */
async function dropLeft() {
  for (const seq of await numbers()) {
    if (!versions.has(seq) && !staged.has(seq)) await caches.delete(cacheOf(seq))
  }
}

/** @param {number} seq */
export async function unstage(seq) {
  await caches.delete(cacheOf(seq))
  staged.delete(seq)
}

/**
 * From here on this version counts.
 *
 * @param {Group} group
 * @param {number} seq
 * @param {import('./rules.js').Says} says
 */
export async function commit(group, seq, says) {
  const made = { ...says, used: Date.now() }
  await (await index()).put(key('version', seq), Response.json(made))
  staged.delete(seq)
  const version = { ...made, seq, group, foreign: new Set(), master: new Set() }
  group.versions.push(version)
  versions.set(seq, version)
  return version
}

/** @param {Group} group Its manifest is gone: who comes now finds none, who is here stays. */
export async function retire(group) {
  group.obsolete = true
  groups.delete(group.manifest)
  const cache = await index()
  for (const { seq } of group.versions) await cache.put(key('obsolete', seq), new Response())
}

/** @param {Group} group A group without a cache is as if it had never been. */
export function discard(group) {
  if (!group.versions.length && groups.get(group.manifest) === group) groups.delete(group.manifest)
}

/**
 * What is noted of an entry of a complete cache, whose body need not be written again for it.
 *
 * @param {Version} version
 * @param {'foreign' | 'master'} as
 * @param {string} url
 */
export async function mark(version, as, url) {
  version[as].add(url)
  await (await index()).put(key(as, version.seq, url), new Response())
}

/**
 * @param {Version} version
 * @param {'foreign' | 'master'} as
 * @param {string} url
 */
export async function unmark(version, as, url) {
  version[as].delete(url)
  await (await index()).delete(key(as, version.seq, url))
}

/** @type {(kind: string) => kind is 'foreign' | 'master'} */
const isMark = (kind) => kind === 'foreign' || kind === 'master'

/**
 * Which version a page has, from now on; `undefined`: none. What answers next knows it at once; it is
 * written down by the time the promise is kept.
 *
 * @param {string} client
 * @param {Version} [version]
 * @param {number} [until] For one that is on the list of clients 0 will do.
 */
export async function associate(client, version, until = Date.now() + LOADING_MS) {
  const before = tabs.get(client)
  const record = version ? key('tab', client, version.seq, until) : ''
  if (version) tabs.set(client, { version, until, record })
  else tabs.delete(client)
  const cache = await index()
  if (record) await cache.put(record, new Response())
  if (before && before.record !== record) await cache.delete(before.record)
  if (!version || Date.now() - version.used < HOUR_MS) return
  version.used = Date.now()
  await cache.put(key('used', version.seq, version.used), new Response())
}

/** Which of two caches was used last need not be known better: each answer costs a write. */
const HOUR_MS = 3_600_000

/** A client that is being loaded may be on no list for so long. */
const LOADING_MS = 60_000

/** No browser parks a page for longer than this, to bring it back by the back button. */
export const PARKED_MS = 1_800_000

/**
 * May the back button alone bring this page again, if it is on no list?
 *
 * @param {Tab} tab
 */
export const isParked = ({ until }) => until > Date.now() + LOADING_MS

/**
 * Drops the records of pages that are gone, and versions that no page has and none will get.
 *
 * @param {(there: Set<string>) => void} [giveUp] Gives up more than that: called with the clients that are there, in
 *   one step with the choice of what is dropped.
 * @returns How many versions.
 */
export async function sweep(giveUp) {
  const isGone = (/** @type {string} */ id) => (tabs.get(id)?.until || 0) < Date.now()
  const cache = await index()
  // Asked for before the list: who comes meanwhile is not on it.
  const doubtful = [...tabs.keys()].filter(isGone)
  const clients = await worker.clients.matchAll({ type: 'all', includeUncontrolled: true })
  const there = new Set(clients.map(({ id }) => id))
  for (const id of doubtful) if (!there.has(id) && isGone(id)) tabs.delete(id)
  giveUp?.(there)
  const used = new Set(relevant())
  for (const { version } of tabs.values()) used.add(version)
  // an update may be reading it
  const useless = [...versions.values()].filter((version) => !used.has(version) && !version.group.update)
  // All at once, and only then what takes time: whom a page gets meanwhile is one of those that stay.
  for (const version of useless) {
    versions.delete(version.seq)
    version.group.versions.splice(version.group.versions.indexOf(version), 1)
  }
  // The record goes first, then what is noted beside it, the cache last: what is left by a worker that was stopped is
  // seen here, and until then its number is taken.
  for (const { seq } of useless) await cache.delete(key('version', seq))
  for (const { url } of await cache.keys()) {
    const [kind, first, second] = partsOf(url)
    const isOutdated = kind === 'used' && +second < (versions.get(+first)?.used || 0)
    // one that is staged may have its record already, and counts a moment later
    const isKnown = versions.has(+first) || staged.has(+first)
    const wanted = kind === 'tab' ? tabs.get(first)?.record === url : isKnown && !isOutdated
    if (!wanted) await cache.delete(url)
  }
  await dropLeft()
  return useless.length
}

/** @param {Version} version */
export const isDropped = (version) => !versions.has(version.seq)

/** Is this the first worker of this kind here? Then it makes the index. */
export async function begin() {
  const first = !(await caches.has(name))
  await index()
  return first
}

/** What workers of other kinds, or of other sites at this address, have kept goes. */
export async function forgetOthers() {
  for (const other of await caches.keys()) {
    if (other.startsWith(ours) && other !== name && !other.startsWith(`${name}|`)) await caches.delete(other)
  }
}

/** Has this site a worker that keeps files ahead, of which pages may be open? */
export const hasPredecessor = () => caches.has(`${ours}${config.site}|state`)
