// A generation: the files of one build, as its manifest tells them.

import { files, key } from './keep.js'

/**
 * A manifest as the generator writes it: content types, packs, and files that stand alone.
 *
 * @typedef {[types: string[], packs: WantedPack[], pages: WantedPage[]]} Manifest
 *
 * @typedef {[hash: string, bytes: number, gzip: 0 | 1, loaded: 0 | 1, files: PackedFile[]]} WantedPack
 *   `bytes` in transit; `loaded`: a page asks for these files itself, so they may lie in the HTTP cache.
 * @typedef {[path: string, hash: string, size: number, type: number]} PackedFile
 *   The hash is short (48 bits): it finds a file again; its pack's hash proves it.
 * @typedef {[path: string, hash: string, size: number]} WantedPage A document or a worker script.
 *
 * @typedef {{home: string, hash: string, at: number, size: number, type?: string}} Entry
 *   `home` is where in the cache it lies; without a type it lies there alone, with its own headers.
 *
 * @typedef {[home: string, size: number, wanted: WantedPack | WantedPage]} Part What is kept at one place.
 *
 * @typedef {{build: string, entries: Map<string, Entry>, parts: Part[]}} Generation
 */

/**
 * @param {string} build
 * @param {string} text The manifest, in JSON.
 * @returns {Generation}
 */
export function parse(build, text) {
  /** @type {Manifest} */
  const [types, packs, pages] = JSON.parse(text)
  /** @type {Generation['entries']} */
  const entries = new Map()
  /** @type {Part[]} */
  const parts = []
  for (const page of pages) {
    const [path, hash, size] = page
    // by content and by path: two of one content may have headers of their own
    const home = key('d', `${hash}/${encodeURIComponent(path)}`)
    entries.set(path, { home, hash, at: 0, size })
    parts.push([home, size, page])
  }
  for (const pack of packs) {
    const home = key('p', pack[0])
    let at = 0
    for (const [path, hash, size, type] of pack[4]) {
      entries.set(path, { home, hash, at, size, type: types[type] })
      at += size
    }
    parts.push([home, at, pack])
  }
  return { build, entries, parts }
}

/**
 * Reads a committed generation from the cache; `undefined` if there is none of that build.
 * What is once read stays at hand as long as the worker lives.
 *
 * @param {string} build
 */
export async function generation(build) {
  let found = read.get(build)
  const stored = !found && (await (await files()).match(key('g', build)))
  try {
    if (stored) read.set(build, (found = parse(build, await stored.text())))
  } catch {
    // damaged on disk: as if it were not there, so that it is fetched anew
  }
  return found
}

/** @type {Map<string, Generation>} */
export const read = new Map()

/**
 * The bytes of a file in a pack, not read from the disk until they are used.
 *
 * @param {Entry} entry
 */
export async function slice({ home, at, size, type }) {
  let blob = blobs.get(home)
  if (!blob) {
    blob = await (await (await files()).match(home))?.blob()
    if (blob) blobs.set(home, blob)
  }
  if (!blob || blob.size >= at + size) return blob?.slice(at, at + size, type)
  // Damaged on disk: as good as lost, and to be fetched anew.
  blobs.delete(home)
  await (await files()).delete(home)
  return undefined
}

/** @type {Map<string, Blob>} */
const blobs = new Map()
