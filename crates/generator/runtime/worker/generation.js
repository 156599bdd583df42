// A generation: the files of one build, as its manifest tells them.
//
// A manifest is a JSON array with one element a line: a head, then the list of files in parts, in
// the order of their stems. It is cut at the line ends when it is stored, and only the parts in
// which a file is looked up are ever parsed: a worker that is woken does not read ten thousand names.

import { files, held, key } from './keep.js'
import { stem } from './route.js'

/**
 * @typedef {[heads: Head[], packs: WantedPack[], firsts: string[]]} ManifestHead
 *   `firsts`: the stem with which each part begins.
 *
 * @typedef {[name: string, value: string][]} Head Header fields.
 *
 * @typedef {[name: string, bytes: number, gzip: 0 | 1, size: number, group: number]} WantedPack
 *   `bytes` in transit, `size` at rest. `group`: 0 shell, 1 after load.
 *
 * @typedef {[path: string, hash: string, size: number, place: number, head?: number | string, at?: number]} Row
 *   `place`: the index of its pack, or the group of what stands alone: -1 shell, -2 after load,
 *   -3 when it is first used. In a pack `at` is the offset, said if it is not the end of the file before,
 *   `head` the number of the header fields, and the hash is short (48 bits): it finds a file again, its
 *   pack's name proves it. What stands alone may have the marker of a page in the place of `head`.
 *
 * @typedef {{home: string, path: string, hash: string, at: number, size: number, group: number,
 *   pack?: number, head?: Head, marker?: string}} Entry
 *   `home` is where in the cache it lies. A page in a pack whose header fields must be asked for has
 *   a pack and no head; what stands alone has neither, and its own header fields.
 *
 * @typedef {{build: string, heads: Head[], packs: WantedPack[], firsts: string[], body: Blob,
 *   cuts: number[], parts: (Map<string, Entry> | undefined)[]}} Generation
 */

/**
 * The stored form of a manifest: where its lines end is said beside it.
 *
 * @param {string} text
 */
export function stored(text) {
  const lines = text.split('\n').slice(0, -2)
  let at = 0
  const cuts = lines.map((line) => (at += new Blob([line]).size))
  // the first character of each line belongs to the array around it
  return new Response(new Blob(lines), { headers: { 'x-cuts': `${cuts}` } })
}

/**
 * @param {string} build
 * @param {Response} from What `stored` gave.
 * @returns {Promise<Generation>}
 */
export async function opened(build, from) {
  const cuts = (from.headers.get('x-cuts') || '').split(',').map(Number)
  const body = await from.blob()
  const [heads, packs, firsts] = JSON.parse(await body.slice(1, cuts[0]).text())
  return { build, heads, packs, firsts, body, cuts, parts: [] }
}

/**
 * Reads a committed generation from the cache; `undefined` if there is none of that build.
 * What is once read stays at hand as long as the worker lives.
 *
 * @param {string} build
 */
export async function generation(build) {
  let found = read.get(build)
  if (found) return found
  try {
    const kept = await held(key('g', build))
    if (kept) read.set(build, (found = await opened(build, kept)))
  } catch {
    // damaged on disk: as if it were not there, so that it is fetched anew
  }
  return found
}

/** @type {Map<string, Generation>} */
export const read = new Map()

/**
 * @param {Generation} from
 * @param {string} file
 * @returns The number of the part in which a file stands, if it does.
 */
const partOf = ({ firsts }, file) => {
  const name = stem(file)
  return firsts.filter((first) => first <= name).length - 1
}

/**
 * The part of the list for a file and the other spellings of its path; `undefined` if it is not at
 * hand: `load` it.
 *
 * @param {Generation} from
 * @param {string} file
 * @returns {Map<string, Entry> | undefined}
 */
export function peek(from, file) {
  const part = partOf(from, file)
  return part < 0 ? new Map() : from.parts[part]
}

/**
 * @param {Generation} from
 * @param {string} file
 * @returns {Promise<Map<string, Entry>>}
 */
export const list = async (from, file) => peek(from, file) || part(from, partOf(from, file))

/**
 * @param {Generation} from
 * @returns {Promise<Entry[]>} All that it has.
 */
export async function all(from) {
  const parts = await Promise.all(from.firsts.map((_, index) => part(from, index)))
  return parts.flatMap((map) => [...map.values()])
}

/**
 * @param {Generation} from
 * @param {number} index
 */
async function part(from, index) {
  let found = from.parts[index]
  if (found) return found
  const { body, cuts, heads, packs } = from
  /** @type {Row[]} */
  const rows = JSON.parse(await body.slice(cuts[index] + 1, cuts[index + 1]).text())
  found = new Map()
  /** @type {number[]} */
  const ends = []
  for (const [path, hash, size, place, head = '', at = ends[place]] of rows) {
    const base = { path, hash, size }
    if (place < 0) {
      // by content and by path: two of one content may have header fields of their own
      const home = key('d', `${hash}/${encodeURIComponent(path)}`)
      found.set(path, { ...base, home, at: 0, group: -1 - place, marker: `${head}` })
    } else {
      ends[place] = at + size
      const [name, , , , group] = packs[place]
      found.set(path, { ...base, home: key('p', name), at, group, pack: place, head: heads[+head] })
    }
  }
  return (from.parts[index] = found)
}

/**
 * The bytes of a file in a pack, not read from the disk until they are used.
 *
 * @param {Entry} entry
 */
export async function slice({ home, at, size }) {
  let blob = blobs.get(home)
  if (!blob) {
    blob = await (await held(home))?.blob()
    if (blob) blobs.set(home, blob)
  }
  if (!blob || blob.size >= at + size) return blob?.slice(at, at + size)
  // Damaged on disk: as good as lost, and to be fetched anew.
  await lose(home)
  return undefined
}

/**
 * Forgets what is damaged, so that it is fetched anew.
 *
 * @param {string} home
 */
export async function lose(home) {
  blobs.delete(home)
  await (await files()).delete(home)
}

/** @type {Map<string, Blob>} */
const blobs = new Map()
