// Makes a generation whole: fetches what the cache lacks and, when the shell is there, commits.
//
// Install, update and repair are all this. It may be cut off at any moment and called again:
// what was kept is used, and only a generation with its shell whole has its manifest in the cache.

import { clean } from './clean.js'
import { config } from './config.js'
import { download, failure, fromHttpCache } from './download.js'
import { features } from './features.js'
import { all, generation, lose, opened, read, slice, stored } from './generation.js'
import { worker } from './global.js'
import { activeBuild, alone, anew, emptied, files, has, held, key, proved, records } from './keep.js'
import { urlPath } from './route.js'
import { tell } from './tell.js'

/**
 * @typedef {import('./generation.js').Entry} Entry
 * @typedef {import('./generation.js').Generation} Generation
 *
 * @typedef {object} Job What is lacking in the cache, and how it is made.
 * @property {string} home
 * @property {number} size
 * @property {() => Promise<Response>} make
 * @property {string} [name] Of a pack.
 * @property {Entry[]} [packed] Its files.
 * @property {() => Promise<(ArrayBuffer | undefined)[] | undefined>} [hand] Their bytes, where no
 *   request is needed for them; nothing if they do not make the pack.
 */

/**
 * A build whose predecessor was here to its last file comes as whole: an update takes nothing
 * away from a visitor who is offline. But a file of the rest that the server refuses holds back no
 * update.
 *
 * @param {string} build
 * @param {boolean} [installing] Nobody else uses what neither this build has nor one that has pages.
 * @returns {Promise<void>} Rejects, with a `failure` if a file is the reason, when the generation
 *   could not be made whole.
 */
export const ensure = (build, installing) =>
  alone(true, async () => {
    // Unregistered, as by `Clear-Site-Data`: it may live on for a while, but keeps nothing any more.
    if (!installing && !worker.registration.active) return
    await anew()
    const before = await activeBuild()
    const { target, keep } = await obtain(build)
    // What an install left that was given up takes the room that this one needs.
    if (installing && !before) await clean([target])
    await fill(target, 0)
    const whole = before && (await has(key('a', before))) && (await spared(() => fill(target, 1)))
    await keep()
    if (whole) await spared(() => finish(target))
    if (installing && before) await dropSuperseded(target, before)
  })

/**
 * Builds that waited and never took over are nobody's.
 *
 * @param {Generation} target
 * @param {string} before
 */
async function dropSuperseded(target, before) {
  const live = [target]
  for (const build of new Set([before, ...(await records()).map(([, build]) => build)])) {
    const kept = build !== target.build && (await generation(build))
    if (kept) live.push(kept)
    else if (build === before && before !== target.build) return // damaged: nothing says what its pages use
  }
  await clean(live)
}

/**
 * @param {() => Promise<void>} work
 * @returns {Promise<boolean>} False if the server refuses something: it has spoken, and may mean it.
 */
async function spared(work) {
  try {
    await work()
    return true
  } catch (error) {
    const { status = 0 } = failure(error) || {}
    if (status < 400 || status > 499) throw error
    await tell('degraded', failure(error))
    return false
  }
}

/**
 * The rest of the site: what may wait until the page is idle.
 *
 * @param {string} build
 */
export async function complete(build) {
  if (!(await has(key('g', build))) && !(await emptied())) await ensure(build)
  const target = await generation(build)
  if (!target) return
  if (!(await has(key('a', build)))) {
    await fill(target, 1, true)
    // A newer build waits: it takes over only when this worker has nothing to do any more.
    if (worker.registration.waiting) return
    await finish(target)
  }
  // Without a network, another time.
  if (features.refresh) await features.refresh(target).catch(() => {})
}

/**
 * The mark of a build of which nothing lacks.
 *
 * @param {Generation} target
 */
async function finish(target) {
  if (features.asked) await features.asked(target)
  const mark = key('a', target.build)
  // Emptied meanwhile: nothing is whole that is gone.
  if ((await has(mark)) || !(await has(key('g', target.build)))) return
  await (await files()).put(mark, new Response())
  await tell('complete', { build: target.build })
}

/**
 * `ensure` for whoever finds something missing: however many do, it is mended once.
 *
 * @param {string} build
 */
export function repair(build) {
  if (hopeless.has(build)) return Promise.resolve()
  repairing ||= ensure(build)
    .catch(() => {
      // The server has an older build no more: that is not asked for again and again.
      if (build !== config.build) hopeless.add(build)
    })
    .finally(() => (repairing = undefined))
  return repairing
}

/** @type {Promise<void> | undefined} */
let repairing

/** @type {Set<string>} */
const hopeless = new Set()

/**
 * A slice hands out a flipped bit unseen, so packs are proved as wholes. What is damaged, and
 * whatever the browser has evicted, is fetched anew before somebody needs it.
 *
 * @param {string} build
 */
export async function check(build) {
  const target = await generation(build)
  for (const [name] of target?.packs || []) {
    const pack = await held(key('p', name))
    if (pack && !(await pack.arrayBuffer().then((bytes) => proved(bytes, name), () => false))) {
      await lose(key('p', name))
    }
  }
  if (!(await emptied())) await repair(build)
}

/**
 * The generation of a build, from the cache or the server; `keep` commits it.
 *
 * @param {string} build
 */
async function obtain(build) {
  // What is in memory only was taken out of the cache behind our back.
  const kept = (await has(key('g', build))) && (await generation(build))
  if (kept) return { target: kept, keep: async () => {} }
  // A worker that outlived its emptied cache may have left the mark.
  await (await files()).delete(key('a', build))
  const { bytes } = await download(`revisit/manifest-${build}.json`, build)
  const response = stored(new TextDecoder().decode(bytes))
  const target = await opened(build, response.clone())
  return {
    target,
    keep: async () => {
      await (await files()).put(key('g', build), response)
      read.set(build, target)
    },
  }
}

/**
 * @param {Generation} target
 * @param {number} group This one and those before it.
 * @param {boolean} [later]
 */
async function fill(target, group, later) {
  const cache = await files()
  const kept = new Set((await cache.keys()).map((request) => request.url))
  const entries = await all(target)
  /** @type {Set<Job>} */
  const lacking = new Set()
  target.packs.forEach((pack, index) => {
    const home = key('p', pack[0])
    if (pack[4] > group || kept.has(home)) return
    const packed = entries.filter((entry) => entry.pack === index).sort((a, b) => a.at - b.at)
    const hand = () => atHand(pack, packed, donors)
    lacking.add({ home, size: pack[3], name: pack[0], packed, hand, make: () => makePack(pack, packed, hand, later) })
  })
  for (const entry of entries) {
    if (entry.pack === undefined && entry.group <= group && !kept.has(entry.home)) {
      lacking.add({ home: entry.home, size: entry.size, make: () => makeAlone(entry, later) })
    }
  }
  /** @type {Promise<Map<string, Entry>> | undefined} */
  let found
  const donors = () => (found ||= older(kept, target.build))

  let total = 0
  for (const { size } of lacking) total += size
  let done = 0
  /** @type {(job: Job, response: Response) => Promise<void>} */
  const keep = async (job, response) => {
    await cache.put(job.home, response)
    lacking.delete(job)
    await tell('progress', { build: target.build, done: (done += job.size), total })
  }
  if (features.measure) await features.measure(target.build, lacking, keep, later)
  /** @type {unknown} */
  let first
  const jobs = lacking.values()
  const lane = async () => {
    for (const job of jobs) {
      if (later && worker.registration.waiting) return
      try {
        await keep(job, await job.make())
      } catch (error) {
        first ||= error
        // A file that the server refuses, or has otherwise, does not stop the others: the next
        // attempt has the less to do. A server that is gone does.
        if (!/^(status|integrity|rewritten)$/.test(`${failure(error)?.reason}`)) return
      }
    }
  }
  await Promise.all([lane(), lane(), lane()])
  if (first) throw first
}

/**
 * Files in packs of other generations that are there, by hash.
 *
 * @param {Set<string>} kept
 * @param {string} build
 */
async function older(kept, build) {
  /** @type {Map<string, Entry>} */
  const found = new Map()
  for (const url of kept) {
    const [, other] = url.split(key('g'))
    const donor = other && other !== build && (await generation(other))
    if (donor) for (const entry of await all(donor)) if (entry.pack !== undefined) found.set(entry.hash, entry)
  }
  return found
}

/**
 * The files of a pack, one behind the other, as far as an older generation or the HTTP cache has
 * them; nothing for a pack of an earlier build that has bytes of files that are gone.
 *
 * @param {import('./generation.js').WantedPack} pack
 * @param {Entry[]} packed
 * @param {() => Promise<Map<string, Entry>>} donors
 */
async function atHand([, , , whole, group], packed, donors) {
  let end = 0
  if (!packed.every(({ at, size }) => at === end && (end += size) >= 0) || end !== whole) return undefined
  const older = await donors()
  return Promise.all(
    packed.map(async ({ path, hash }) => {
      const entry = older.get(hash)
      const donor = entry && (await (await slice(entry))?.arrayBuffer())
      if (donor && (await proved(donor, hash))) return donor
      return group ? undefined : (await fromHttpCache(urlPath(path), hash))?.bytes
    }),
  )
}

/**
 * A pack. What is at hand is not fetched again; of the rest, single files or the whole pack,
 * whichever is the less to fetch. One with bytes of files that are gone can be had as a whole only.
 *
 * @param {import('./generation.js').WantedPack} pack
 * @param {Entry[]} packed
 * @param {NonNullable<Job['hand']>} hand
 * @param {boolean} [later]
 */
async function makePack([name, bytes, gzip], packed, hand, later) {
  const parts = await hand()
  let cost = 0
  parts?.forEach((part, index) => (cost += part ? 0 : packed[index].size + REQUEST_BYTES))
  if (!parts || cost > bytes + REQUEST_BYTES) {
    try {
      return new Response((await download(`revisit/${name}.pack`, name, { gzip, cache: 'no-store', later })).bytes)
    } catch (error) {
      // A server that is silent or gone has its files neither.
      if (!parts || !/^(status|integrity)$/.test(`${failure(error)?.reason}`)) throw error
      // They may still be there one by one; but somebody should mend the pack.
      await tell('degraded', failure(error))
    }
  }
  await Promise.all(
    packed.map(async ({ path, hash }, index) => {
      parts[index] ||= (await download(urlPath(path), hash, { later })).bytes
    }),
  )
  const made = await new Blob(/** @type {BlobPart[]} */ (parts)).arrayBuffer()
  // The parts were proved by short hashes, the whole is by the one that names it.
  if (!(await proved(made, name))) throw new Error('integrity')
  return new Response(made)
}

/**
 * What stands alone keeps the header fields that it came with, since policies hang on them; and it
 * is put as it came, since of such entries alone V8 keeps compiled code.
 *
 * @param {Entry} entry
 * @param {boolean} [later]
 */
async function makeAlone({ path, hash, group, marker }, later) {
  const url = urlPath(path)
  // Of what is no file any copy would do, an old one too.
  // So will a copy that is older than the header fields which the build knows of; and a 304 need not
  // bring them.
  const known = hash.includes('.')
  const had = !group && hash[0] !== '!' && !known && (await fromHttpCache(url, hash))
  return plain(had || (await download(url, hash, { marker, alone: true, later, cache: known ? 'reload' : undefined })))
}

/**
 * Fetches anew what stands alone, though its bytes are the same.
 *
 * @param {Entry} entry
 */
export async function renew({ path, hash, home, marker }) {
  const had = await download(urlPath(path), hash, { marker, alone: true, cache: 'reload', later: true })
  await (await files()).put(home, plain(had))
}

/**
 * A response that can be put and answers a navigation.
 *
 * @param {{bytes: ArrayBuffer, response: Response}} had
 */
export function plain({ bytes, response }) {
  const vary = response.headers.get('vary') || ''
  if (response.type === 'basic' && !response.redirected && !vary.includes('*')) return response
  const headers = new Headers(response.headers)
  // The body is decoded and stands alone; and the Cache API refuses `Vary: *`.
  for (const name of ['vary', 'content-encoding', 'content-length']) headers.delete(name)
  return new Response(bytes, { headers })
}

/** What a request costs beside its body, in bytes: about a round trip on a middling line. */
const REQUEST_BYTES = 16384
