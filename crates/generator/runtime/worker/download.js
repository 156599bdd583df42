// Fetches one file and vouches for its bytes, or says why it could not.

import { config } from './config.js'
import { scope, worker } from './global.js'
import { digest } from './keep.js'

/** Why a file could not be had: `status`, `integrity`, `stalled` or `network`. */
export class Failure extends Error {
  /**
   * @param {string} url
   * @param {string} reason
   * @param {number} [status]
   */
  constructor(url, reason, status) {
    super(`${reason} ${status || ''} ${url}`)
    this.detail = { url, reason, status }
  }
}

/**
 * Bytes that are proved to be the wanted ones, with the response that brought them.
 *
 * Three tries, the later ones past the HTTP cache and after a pause; a 4xx is final, since the
 * server has spoken. No bytes for `config.stallMs` is a stall; there is no limit in all.
 *
 * @param {string} path Relative to the scope, encoded.
 * @param {string} hash
 * @param {{gzip?: boolean, cache?: RequestCache}} [how]
 */
export async function download(path, hash, how = {}) {
  const url = new URL(path, scope).href
  for (let tries = 0; ; tries++) {
    try {
      return await slot(() => attempt(url, hash, how.gzip, tries ? 'reload' : how.cache || 'no-cache'))
    } catch (error) {
      const failure = error instanceof Failure ? error : new Failure(url, 'network')
      const status = failure.detail.status || 0
      if (tries > 1 || (status > 399 && status < 500)) throw failure
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
  try {
    const response = await fetch(new URL(path, scope), { cache: 'only-if-cached', mode: 'same-origin' })
    const bytes = await response.arrayBuffer()
    if (response.ok && (await digest(bytes)) === hash) return { bytes, response }
  } catch {
    // not there, or this browser knows no such mode: the network it is
  }
  return undefined
}

/**
 * @param {string} url
 * @param {string} hash
 * @param {boolean | undefined} gzip
 * @param {RequestCache} cache
 */
async function attempt(url, hash, gzip, cache) {
  const controller = new AbortController()
  let timer = 0
  let stalled = false
  const heard = () => {
    clearTimeout(timer)
    timer = worker.setTimeout(() => {
      stalled = true
      controller.abort()
    }, config.stallMs)
  }
  heard()
  try {
    const response = await fetch(url, { cache, signal: controller.signal, credentials: 'same-origin' })
    if (!response.ok) throw new Failure(url, 'status', response.status)
    const counted = response.body?.pipeThrough(
      new TransformStream({
        transform(chunk, out) {
          heard()
          out.enqueue(chunk)
        },
      }),
    )
    const stream = gzip ? counted?.pipeThrough(new DecompressionStream('gzip')) : counted
    const bytes = await new Response(stream).arrayBuffer()
    if ((await digest(bytes)) !== hash) throw new Failure(url, 'integrity')
    return { bytes, response }
  } catch (error) {
    throw stalled ? new Failure(url, 'stalled') : error
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Three at a time: Chromium grants an installing worker no more, and a page that is still
 * loading wants its share.
 *
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
async function slot(work) {
  while (busy >= 3) await new Promise((resolve) => waiting.push(resolve))
  busy++
  try {
    return await work()
  } finally {
    busy--
    waiting.shift()?.(undefined)
  }
}

let busy = 0
/** @type {((value: unknown) => void)[]} */
const waiting = []
