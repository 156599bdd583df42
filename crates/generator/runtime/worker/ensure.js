// Makes a generation whole: fetches what the cache lacks and, at the very end, commits.
//
// Install, update and repair are all this. It may be cut off at any moment and called again:
// what was kept is used, and only a whole generation has its manifest in the cache.

import { download, failure, fromHttpCache } from './download.js'
import { generation, parse, read, slice } from './generation.js'
import { urlPath } from './route.js'
import { alone, files, key, proved } from './keep.js'
import { tell } from './tell.js'

/**
 * @typedef {import('./generation.js').Entry} Entry
 * @typedef {import('./generation.js').WantedPack} WantedPack
 * @typedef {import('./generation.js').WantedPage} WantedPage
 */

/**
 * @param {string} build
 * @returns {Promise<void>} Rejects, with a `failure` if a file is the reason, when the generation
 *   could not be made whole.
 */
export const ensure = (build) => alone(true, () => fill(build))

/**
 * The same for whoever finds something missing: however many do, it is mended once.
 *
 * @param {string} build
 */
export function repair(build) {
  repairing ||= ensure(build)
    .catch(() => {})
    .finally(() => (repairing = undefined))
  return repairing
}

/** @type {Promise<void> | undefined} */
let repairing

/** @param {string} build */
async function fill(build) {
  const cache = await files()
  const kept = new Set((await cache.keys()).map((request) => request.url))
  const mark = key('g', build)
  let text = ''
  let target = kept.has(mark) && (await generation(build))
  if (!target) {
    const { bytes } = await download(`revisit/manifest-${build}.json`, build)
    target = parse(build, (text = new TextDecoder().decode(bytes)))
  }
  /** @type {Map<string, Entry>} Files of any generation that is there, by hash. */
  const older = new Map()
  for (const url of kept) {
    const [, other] = url.split(key('g'))
    const donor = other && (await generation(other))
    if (donor) for (const entry of donor.entries.values()) if (entry.type) older.set(entry.hash, entry)
  }

  const lacking = target.parts.filter(([home]) => !kept.has(home))
  let total = 0
  for (const [, size] of lacking) total += size
  let done = 0
  /** @type {unknown} */
  let first
  const jobs = lacking.values()
  const lane = async () => {
    for (const [home, size, wanted] of jobs) {
      try {
        await cache.put(home, await (wanted.length > 3 ? makePack(/** @type {WantedPack} */ (wanted), older) : makePage(/** @type {WantedPage} */ (wanted))))
        await tell('progress', { build, done: (done += size), total })
      } catch (error) {
        first ||= error
        // A file that the server refuses does not stop the others: the next attempt has the
        // less to do. A server that is gone does.
        if (!failure(error)?.status) return
      }
    }
  }
  await Promise.all([lane(), lane(), lane()])
  if (first) throw first
  if (text) await cache.put(mark, new Response(text))
  read.set(build, target)
}

/**
 * A pack. What an older generation or the HTTP cache has is not fetched again; of the rest,
 * single files or the whole pack, whichever is the less to fetch.
 *
 * @param {WantedPack} wanted
 * @param {Map<string, Entry>} older
 */
async function makePack([hash, bytes, gzip, loaded, packed], older) {
  let cost = 0
  const parts = await Promise.all(
    packed.map(async ([path, fileHash, size]) => {
      const entry = older.get(fileHash)
      const donor = entry && (await (await slice(entry))?.arrayBuffer())
      if (donor && (await proved(donor, fileHash))) return donor
      const copy = loaded && (await fromHttpCache(urlPath(path), fileHash))
      if (copy) return copy.bytes
      cost += size + REQUEST_BYTES
      return undefined
    }),
  )
  if (cost > bytes + REQUEST_BYTES) {
    try {
      return new Response((await download(`revisit/${hash}.pack`, hash, gzip, 'no-store')).bytes)
    } catch (error) {
      // A server that is silent or gone has its files neither.
      if (!/^(status|integrity)$/.test(`${failure(error)?.reason}`)) throw error
      // They may still be there one by one; but somebody should mend the pack.
      await tell('degraded', failure(error))
    }
  }
  await Promise.all(
    packed.map(async ([path, fileHash], index) => {
      parts[index] ||= (await download(urlPath(path), fileHash)).bytes
    }),
  )
  const whole = await new Blob(/** @type {BlobPart[]} */ (parts)).arrayBuffer()
  // The parts were proved by short hashes, the whole is by the one that names it.
  if (!(await proved(whole, hash))) throw new Error('integrity')
  return new Response(whole)
}

/**
 * Documents keep the headers that they came with: policies hang on them.
 *
 * @param {WantedPage} wanted
 */
async function makePage([path, hash]) {
  const url = urlPath(path)
  const { bytes, response } = (await fromHttpCache(url, hash)) || (await download(url, hash))
  const headers = new Headers(response.headers)
  // The body is decoded and stands alone; and the Cache API refuses `Vary: *`.
  for (const name of ['vary', 'content-encoding', 'content-length']) headers.delete(name)
  return new Response(bytes, { headers })
}

/** What a request costs beside its body, in bytes: about a round trip on a middling line. */
const REQUEST_BYTES = 16384
