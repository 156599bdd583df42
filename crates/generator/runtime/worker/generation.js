// A generation: the files of one build, as its manifest tells them.

import { files, key } from './keep.js'

/**
 * A manifest as the generator writes it.
 *
 * @typedef {object} Manifest
 * @property {string[]} types Content types, named by index below.
 * @property {[hash: string, bytes: number, gzip: 0 | 1, loaded: 0 | 1, files: PackedFile[]][]} packs
 *   `bytes` in transit; `loaded`: a page asks for these files itself, so they may lie in the HTTP cache.
 * @property {[path: string, hash: string, size: number][]} pages Documents and worker scripts.
 *
 * @typedef {[path: string, hash: string, size: number, type: number]} PackedFile
 *
 * @typedef {{hash: string, size: number, pack?: string, at: number, type: string}} Entry
 *   Without a pack the entry lies in the cache by itself.
 *
 * @typedef {{build: string, manifest: Manifest, entries: Map<string, Entry>}} Generation
 */

/**
 * @param {string} build
 * @param {string} text The manifest, in JSON.
 * @returns {Generation}
 */
export function parse(build, text) {
  /** @type {Manifest} */
  const manifest = JSON.parse(text)
  /** @type {Map<string, Entry>} */
  const entries = new Map()
  for (const [path, hash, size] of manifest.pages) entries.set(path, { hash, size, at: 0, type: '' })
  for (const [pack, , , , packed] of manifest.packs) {
    let at = 0
    for (const [path, hash, size, type] of packed) {
      entries.set(path, { hash, size, pack, at, type: manifest.types[type] })
      at += size
    }
  }
  return { build, manifest, entries }
}

/**
 * Reads a committed generation from the cache; `undefined` if there is none of that build.
 * What is once read stays at hand as long as the worker lives.
 *
 * @param {string} build
 */
export async function generation(build) {
  let found = read.get(build)
  if (!found) {
    const stored = await (await files()).match(key('g', build))
    try {
      if (stored) read.set(build, (found = parse(build, await stored.text())))
    } catch {
      // damaged on disk: as if it were not there, so that it is fetched anew
    }
  }
  return found
}

/** @type {Map<string, Generation>} */
export const read = new Map()

/**
 * A document's address in the cache: its content and its path, since two of one content may
 * have headers of their own.
 *
 * @param {string} path
 * @param {string} hash
 */
export const pageKey = (path, hash) => key('d', hash + '/' + encodeURIComponent(path))

/** @type {Map<string, Blob>} */
const blobs = new Map()

/**
 * A pack's bytes, not read until sliced.
 *
 * @param {string} hash
 */
export async function pack(hash) {
  let blob = blobs.get(hash)
  if (!blob) {
    const stored = await (await files()).match(key('p', hash))
    if (stored) blobs.set(hash, (blob = await stored.blob()))
  }
  return blob
}
