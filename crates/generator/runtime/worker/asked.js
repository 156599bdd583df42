// Pages that lie in packs of a site whose host does not say their header fields beforehand: they
// are asked for, and a page is answered from its pack only when its own are known. So none loses
// its policies (CSP, COOP, COEP, Permissions-Policy) for having come in a pack.

import { config } from './config.js'
import { failure } from './download.js'
import { renew } from './ensure.js'
import { all } from './generation.js'
import { activeBuild, files, has, held, key } from './keep.js'
import { urlPath } from './route.js'
import { scope } from './global.js'
import { tell } from './tell.js'

/**
 * The sets of header fields that occur, for each page the number of its own, and when it was asked. Kept from
 * one build to the next: none of these names may be shortened.
 *
 * @typedef {{heads: import('./generation.js').Head[], of: Record<string, number>, time: number}} Asked
 */

/** @type {Map<string, Asked>} By build. */
const known = new Map()

/**
 * @param {string} build
 * @returns {Promise<Asked>}
 */
async function knownOf(build) {
  const kept = known.get(build) || (await (await held(key('h', build)))?.json())
  const found = kept || { heads: [], of: {}, time: Date.now() }
  known.set(build, found)
  return found
}

/** @type {NonNullable<import('./features.js').Features['head']>} */
export async function head(from, { path }) {
  const { heads, of } = await knownOf(from.build)
  return heads[of[path]]
}

/**
 * @param {Asked} found
 * @param {string} path
 * @param {import('./generation.js').Head} fields
 */
function learn(found, path, fields) {
  const text = JSON.stringify(fields)
  const index = found.heads.findIndex((other) => JSON.stringify(other) === text)
  found.of[path] = index < 0 ? found.heads.push(fields) - 1 : index
}

/**
 * Asks for the header fields of all pages of a generation that lie in packs, but for those that
 * are known already: an update asks for those of new pages only.
 *
 * @type {NonNullable<import('./features.js').Features['asked']>}
 */
export async function asked(from) {
  const found = await knownOf(from.build)
  const before = await knownOf(await activeBuild())
  const pages = await packedPages(from)
  if ((await has(key('h', from.build))) && pages.every((path) => path in found.of)) return
  for (const path of pages) {
    const fields = before.heads[before.of[path]]
    if (fields && !(path in found.of)) learn(found, path, fields)
  }
  found.time = Math.min(found.time, before.time)
  await askAll(from.build, found, pages)
}

/**
 * Header fields may change with no file changing: once a day, all are asked for again.
 *
 * @type {NonNullable<import('./features.js').Features['refresh']>}
 */
export async function refresh(from) {
  const found = await knownOf(from.build)
  if (Date.now() - found.time < REFRESH_MS) return
  await askAll(from.build, { heads: [], of: {}, time: Date.now() }, await packedPages(from))
  for (const entry of await all(from)) {
    if (entry.pack !== undefined || !/\.x?html$/.test(entry.path)) continue
    const kept = await held(entry.home)
    // What stands alone came with its own.
    if (kept && `${policies(kept)}` !== `${await ask(entry.path)}`) await renew(entry)
  }
}

/** @param {import('./generation.js').Generation} from */
const packedPages = async (from) =>
  (await all(from)).filter((entry) => entry.pack !== undefined && !entry.head).map((entry) => entry.path)

/**
 * @param {string} build
 * @param {Asked} found
 * @param {string[]} pages
 */
async function askAll(build, found, pages) {
  /** @type {unknown} */
  let first
  const one = async (/** @type {string} */ path) => {
    if (path in found.of) return
    try {
      learn(found, path, await ask(path))
    } catch (error) {
      const status = failure(error)?.status || 0
      // A page that the server refuses comes from there, and holds back no other.
      if (status > 399 && status < 500) found.of[path] = -1
      else first ||= error
    }
  }
  const save = async () => {
    await (await files()).put(key('h', build), new Response(JSON.stringify(found)))
    known.set(build, found)
  }
  /** @type {Map<string, string[]>} */
  const folders = new Map()
  for (const path of pages) {
    const folder = config.byFolder ? path.replace(/[^/]*(\/index\.html)?$/, '') : ''
    const others = folders.get(folder)
    if (others) others.push(path)
    else folders.set(folder, [path])
  }
  for (const paths of folders.values()) {
    if (config.byFolder) await sample(found, paths, one)
    // Saved now and then: a worker that is ended begins again where it was.
    for (let at = 0; at < paths.length; at += 64) {
      const some = paths.slice(at, at + 64).filter((path) => !(path in found.of))
      await each(some, one)
      if (some.length) await save()
    }
  }
  await save()
  if (first) throw first
}

/**
 * Three pages of a folder speak for all if they agree.
 *
 * @param {Asked} found
 * @param {string[]} paths
 * @param {(path: string) => Promise<void>} one
 */
async function sample(found, paths, one) {
  const samples = [...new Set([paths[0], paths[paths.length >> 1], paths[paths.length - 1]])]
  await each(samples, one)
  const [first, ...others] = samples.map((path) => found.of[path])
  if (others.every((other) => other === first)) {
    for (const path of paths) found.of[path] ??= first
  } else {
    await tell('degraded', { url: scope + urlPath(paths[0]), reason: 'headers' })
  }
}

/**
 * The header fields of a page that make it what it is, in the order of their names.
 *
 * @param {string} path
 * @returns {Promise<import('./generation.js').Head>}
 */
async function ask(path) {
  const url = scope + urlPath(path)
  const get = (/** @type {string} */ method) =>
    fetch(url, { method, cache: 'reload', priority: 'low', signal: AbortSignal.timeout(config.stallMs) })
  let response = await get('HEAD')
  if (!response.ok) {
    // not every server knows that method
    response = await get('GET')
    await response.body?.cancel()
  }
  if (!response.ok) throw new Error('status', { cause: { url, reason: 'status', status: response.status } })
  return policies(response)
}

/** @param {Response} response */
const policies = ({ headers }) => [...headers].filter(([name]) => POLICIES.test(name))

/**
 * Six at a time: these are small.
 *
 * @param {string[]} paths
 * @param {(path: string) => Promise<void>} work
 */
async function each(paths, work) {
  const jobs = paths.values()
  const lane = async () => {
    for (const path of jobs) await work(path)
  }
  await Promise.all([lane(), lane(), lane(), lane(), lane(), lane()])
}

/** What tells how a page is to be taken; not what names one answer, or one moment. */
const POLICIES =
  /^(content-(type|language|disposition|security)|cross-origin|permissions|document|feature|referrer|x-(frame|content-type|xss|dns|permitted|ua)|origin|reporting|link|refresh|accept-ch|critical|supports|speculation|no-vary|integrity|require|service-worker)/

const REFRESH_MS = 86_400_000
