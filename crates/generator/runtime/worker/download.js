// Fetches one file and vouches for its bytes, or says why it could not.

import { config } from './config.js'
import { features } from './features.js'
import { scope, worker } from './global.js'
import { proved } from './keep.js'

/**
 * Why a file could not be had. `rewritten`: it is the page of this build, changed on its way.
 *
 * @typedef {{url: string, reason: 'status' | 'integrity' | 'rewritten' | 'stalled' | 'network', status?: number}} Failure
 */

/** @type {(url: string, reason: string, status?: number) => Error} */
export const failed = (url, reason, status) => new Error(reason, { cause: { url, reason, status } })

/**
 * @param {unknown} error
 * @returns {Failure | undefined} What `download` said, if this is its error.
 */
export const failure = (error) => /** @type {any} */ (error).cause

/**
 * Bytes that are proved to be the wanted ones, with the response that brought them.
 *
 * Three tries, the later ones past the HTTP cache and after a pause; a 4xx is final, since the
 * server has spoken. No bytes for `config.stallMs` is a stall; there is no limit in all.
 *
 * @param {string} path Relative to the scope, encoded.
 * @param {string} hash
 * @param {Manner} [manner]
 */
export async function download(path, hash, manner = {}) {
  return slot(() => persist(scope + path, hash, manner))
}

/**
 * @typedef {object} Manner
 * @property {unknown} [gzip] Truthy if the body is gzipped within, whatever the transport does.
 * @property {RequestCache} [cache] `no-cache` if it is not said.
 * @property {string} [marker] The word by which a page of this build is known, if it is one.
 * @property {boolean} [alone] The response itself is wanted too, its body unread.
 * @property {boolean} [later] What a page is about to do comes first.
 */

/**
 * @param {string} url
 * @param {string} hash
 * @param {Manner} manner
 */
async function persist(url, hash, manner) {
  for (let tries = 0; ; tries++) {
    try {
      return await attempt(url, hash, manner, tries ? 'reload' : manner.cache || 'no-cache')
    } catch (error) {
      const status = failure(error)?.status || 0
      if (tries > 1 || (status > 399 && status < 500)) throw failure(error) ? error : failed(url, 'network')
      await new Promise((resolve) => setTimeout(resolve, 250 * 4 ** tries))
    }
  }
}

/**
 * The same from the HTTP cache alone: a page that has just loaded a file left it there, and no
 * request is made. Stale copies count, since the hash decides.
 *
 * @param {string} path
 * @param {string} hash
 */
export async function fromHttpCache(path, hash) {
  /** @type {[string, RequestInit]} */
  const own = [scope + path, { cache: 'only-if-cached', mode: 'same-origin' }]
  for (const [url, how] of [own, ...(features.copies?.(path) || [])]) {
    try {
      const response = await fetch(url, {
        ...how,
        // the page may still be loading it, from a server that has fallen silent
        signal: AbortSignal.timeout(config.stallMs),
      })
      const bytes = await response.clone().arrayBuffer()
      if (response.ok && (await proved(bytes, hash))) return { bytes, response }
    } catch {
      // not there, or this browser knows no such mode: the network it is
    }
  }
  return undefined
}

/**
 * @param {string} url
 * @param {string} hash
 * @param {Manner} manner
 * @param {RequestCache} cache
 */
async function attempt(url, hash, { gzip, marker, alone, later }, cache) {
  const controller = new AbortController()
  let timer = 0
  const heard = () => {
    clearTimeout(timer)
    timer = worker.setTimeout(() => controller.abort(), config.stallMs)
  }
  heard()
  try {
    const response = await fetch(url, {
      cache,
      signal: controller.signal,
      ...(later && { priority: 'low' }),
    })
    if (!response.ok) throw failed(url, 'status', response.status)
    const counted = (alone ? response.clone() : response).body?.pipeThrough(
      new TransformStream({
        transform(chunk, out) {
          heard()
          out.enqueue(chunk)
        },
      }),
    )
    const stream = gzip ? counted?.pipeThrough(new DecompressionStream('gzip')) : counted
    const bytes = await new Response(stream).arrayBuffer()
    if (!(await proved(bytes, hash))) {
      throw failed(url, marker && (await proved(bytes, `~${marker}`)) ? 'rewritten' : 'integrity')
    }
    return { bytes, response }
  } catch (error) {
    throw controller.signal.aborted ? failed(url, 'stalled') : error
  } finally {
    clearTimeout(timer)
  }
}

/**
 * So many at a time, first come, first served.
 *
 * @param {number} free
 */
export function lanes(free) {
  /** @type {((value: unknown) => void)[]} */
  const queue = []
  /**
   * @template T
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  return async (work) => {
    if (free) free--
    else await new Promise((resolve) => queue.push(resolve))
    try {
      return await work()
    } finally {
      // the place goes to the next in line, if there is one
      const next = queue.shift()
      if (next) next(0)
      else free++
    }
  }
}

/**
 * Three at a time: Chromium grants an installing worker no more, and a page that is still
 * loading wants its share.
 */
const slot = lanes(3)
