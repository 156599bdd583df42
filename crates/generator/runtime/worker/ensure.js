// Makes a generation whole: fetches what the cache lacks and, at the very end, commits.
//
// Install, update and repair are all this. It may be cut off at any moment and called again:
// what was kept is used, and only a whole generation has its manifest in the cache.

import { Failure, download, fromHttpCache } from './download.js'
import { generation, pack, pageKey, parse, read } from './generation.js'
import { urlPath } from './route.js'
import { alone, digest, files, key } from './keep.js'
import { tell } from './tell.js'

/**
 * @param {string} build
 * @returns {Promise<void>} Rejects, with a `Failure` if a file is the reason, when the generation
 *   could not be made whole.
 */
export const ensure = (build) => alone(true, () => fill(build))

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
  const donors = await olderFiles(kept)
  const { packs, pages } = target.manifest

  const lacking = [
    ...packs
      .filter(([hash]) => !kept.has(key('p', hash)))
      .map((wanted) => ({
        size: wanted[4].reduce((sum, file) => sum + file[2], 0),
        get: async () => put(key('p', wanted[0]), await makePack(wanted, donors)),
      })),
    ...pages
      .filter(([path, hash]) => !kept.has(pageKey(path, hash)))
      .map(([path, hash, size]) => ({ size, get: () => keepPage(path, hash) })),
  ]
  const total = lacking.reduce((sum, { size }) => sum + size, 0)
  let done = 0
  /** @type {unknown[]} */
  const failures = []
  const queue = lacking.values()
  const lane = async () => {
    for (const { size, get } of queue) {
      try {
        await get()
        await tell('progress', { build, done: (done += size), total })
      } catch (error) {
        failures.push(error)
        // A file that the server refuses does not stop the others: the next attempt has the
        // less to do. A server that is gone does.
        if (!(error instanceof Failure) || !error.detail.status) return
      }
    }
  }
  await Promise.all([lane(), lane(), lane()])
  if (failures.length) throw failures[0]
  if (text) await put(mark, text)
  read.set(build, target)
}

/**
 * A pack's bytes. What an older generation or the HTTP cache has is not fetched again; of the
 * rest, single files or the whole pack, whichever is the less to fetch.
 *
 * @param {import('./generation.js').Manifest['packs'][0]} wanted
 * @param {Map<string, () => Promise<Blob | undefined>>} donors
 */
async function makePack([hash, bytes, gzip, loaded, packed], donors) {
  /** @type {(BlobPart | undefined)[]} */
  const parts = await Promise.all(
    packed.map(async ([path, fileHash]) => {
      const donor = await (await donors.get(fileHash)?.())?.arrayBuffer()
      if (donor && (await digest(donor)) === fileHash) return donor
      return loaded ? (await fromHttpCache(urlPath(path), fileHash))?.bytes : undefined
    }),
  )
  const missing = packed.filter((_, index) => !parts[index])
  const cost = missing.reduce((sum, file) => sum + file[2] + REQUEST_BYTES, 0)
  if (cost > bytes + REQUEST_BYTES) {
    try {
      return (await download(`revisit/${hash}.pack`, hash, { gzip: !!gzip, cache: 'no-store' })).bytes
    } catch (error) {
      // The files may still be there one by one; but somebody should mend the pack.
      if (error instanceof Failure) await tell('degraded', error.detail)
    }
  }
  await Promise.all(
    packed.map(async ([path, fileHash], index) => {
      parts[index] ??= (await download(urlPath(path), fileHash)).bytes
    }),
  )
  return new Blob(/** @type {BlobPart[]} */ (parts))
}

/**
 * Documents keep the headers that they came with: policies hang on them.
 *
 * @param {string} path
 * @param {string} hash
 */
async function keepPage(path, hash) {
  const url = urlPath(path)
  const { bytes, response } = (await fromHttpCache(url, hash)) || (await download(url, hash))
  const headers = new Headers(response.headers)
  // The body is decoded and stands alone; and the Cache API refuses `Vary: *`.
  for (const name of ['vary', 'content-encoding', 'content-length']) headers.delete(name)
  await put(pageKey(path, hash), bytes, headers)
}

/**
 * Every file that a committed generation has in a pack that is still there, by hash.
 *
 * @param {Set<string>} kept
 */
async function olderFiles(kept) {
  const donors = new Map()
  const prefix = key('g')
  for (const url of kept) {
    if (!url.startsWith(prefix)) continue
    const older = await generation(url.slice(prefix.length))
    older?.entries.forEach(({ hash, size, pack: home, at }) => {
      if (home) donors.set(hash, async () => (await pack(home))?.slice(at, at + size))
    })
  }
  return donors
}

/**
 * @param {string} url
 * @param {BodyInit} body
 * @param {HeadersInit} [headers]
 */
async function put(url, body, headers) {
  await (await files()).put(url, new Response(body, { headers }))
}

/** What a request costs beside its body, in bytes: about a round trip on a middling line. */
const REQUEST_BYTES = 16384
