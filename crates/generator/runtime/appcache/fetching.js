// The requests of an update, and what each answer is worth.

import { config } from './config.js'
import { forbidsStore, fresh } from './fresh.js'
import { AS, AT, cacheOf, find } from './library.js'
import { scope } from '../worker/global.js'

/** Why an update ends without success; `reason` is a word of the error event that Chromium's had. */
export class Failure extends Error {
  /**
   * @param {'manifest' | 'signature' | 'resource' | 'changed' | 'abort' | 'quota' | 'policy' | 'unknown'} reason
   * @param {string} message
   * @param {string} [url]
   * @param {number} [status]
   */
  constructor(reason, message, url = '', status = 0) {
    super(message)
    Object.assign(this, { reason, url, status })
  }
}

/**
 * One request, which must be answered in time. A redirect is not followed.
 *
 * @param {string} url
 * @param {RequestInit} init
 * @param {AbortSignal} signal
 */
async function ask(url, init, signal) {
  const silent = new AbortController()
  const timer = setTimeout(() => silent.abort(), config.stallMs)
  try {
    return await fetch(url, {
      credentials: 'include',
      mode: 'same-origin',
      redirect: 'manual',
      ...init,
      signal: AbortSignal.any([signal, silent.signal, AbortSignal.timeout(FILE_MS_MAX)]),
    })
  } finally {
    clearTimeout(timer)
  }
}

/** Till it is whole. Browsers end a worker that takes more than five minutes. */
const FILE_MS_MAX = 240_000
/** Ten thousand entries are one megabyte. */
const MANIFEST_BYTES_MAX = 4 << 20

/**
 * The manifest as the server has it now. The browser's HTTP cache may save the body and never the question: what
 * saves that is a lifetime of the copy which the version before has.
 *
 * @param {string} url
 * @param {AbortSignal} signal
 * @returns {Promise<{status: number, bytes: Uint8Array<ArrayBuffer>, response: Response}>}
 */
export async function fetchManifest(url, signal) {
  let response
  try {
    response = await ask(url, { cache: 'no-cache' }, signal)
    const { status } = response
    if (status === 304) return { status, bytes: new Uint8Array(), response }
    // a redirect has status 0 here
    if (!response.ok) throw new Failure('manifest', `the manifest came with status ${status}`, url, status)
    return { status, bytes: await whole(response, url), response }
  } catch (error) {
    if (error instanceof Failure || signal.aborted) throw error
    throw new Failure('manifest', `the manifest could not be had: ${error}`, url)
  }
}

/**
 * @param {Response} response
 * @param {string} url
 */
async function whole(response, url) {
  const reader = response.clone().body?.getReader()
  const parts = []
  let size = 0
  for (let part; (part = await reader?.read()) && !part.done; parts.push(part.value)) {
    size += part.value.length
    if (size > MANIFEST_BYTES_MAX) throw new Failure('manifest', 'the manifest is larger than 4 MiB', url)
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer())
}

/**
 * A file for a new version. What the version before has is used as an HTTP cache would.
 *
 * @param {string} url
 * @param {import('./library.js').Version | undefined} before
 * @param {AbortSignal} signal
 * @returns {Promise<{response: Response, at?: number}>} That of before, if it still is current; `at`: as of then.
 */
export async function fetchFile(url, before, signal) {
  const copy = before && (await copyOf(before, url))
  if (copy && isFresh(copy)) return copy
  const old = copy?.response
  // On a first visit the page has just loaded what is listed. Later a lifetime that was only guessed counts for
  // nothing: it would bring the last version's bytes into this one.
  /** @type {RequestInit} */
  const init = { cache: before ? 'no-cache' : 'default' }
  const own = url.startsWith(`${new URL(scope).origin}/`)
  if (own && old && (old.headers.has('etag') || old.headers.has('last-modified'))) {
    init.headers = validators(old.headers)
    delete init.cache
  }
  const answer = own ? await ask(url, init, signal) : await askElsewhere(url, init, signal)
  return { response: answer.status === 304 && old ? old : answer }
}

/**
 * Another origin must say that it may be read; else nobody could tell a file from an error page.
 *
 * @param {string} url
 * @param {RequestInit} init
 * @param {AbortSignal} signal
 */
async function askElsewhere(url, init, signal) {
  try {
    return await ask(url, { ...init, mode: 'cors', credentials: 'same-origin' }, signal)
  } catch (error) {
    if (!config.profile.takesOpaque || signal.aborted) throw error
    return ask(url, { ...init, mode: 'no-cors', redirect: 'follow' }, signal)
  }
}

/** @param {Headers} headers */
function validators(headers) {
  const found = new Headers()
  const [etag, modified] = [headers.get('etag'), headers.get('last-modified')]
  if (etag) found.set('if-none-match', etag)
  if (modified) found.set('if-modified-since', modified)
  return found
}

/**
 * The page that a document came from: what the browser has just loaded it has at hand.
 *
 * @param {string} url
 * @param {AbortSignal} signal
 * @returns {Promise<Response | undefined>} `undefined` if it is none that may be kept.
 */
export async function fetchPage(url, signal) {
  const response = await ask(url, { cache: 'force-cache' }, signal).catch(() => undefined)
  return response?.ok && !forbidsStore(response.headers) ? response : undefined
}

/**
 * What a version has under a URL, and as of when that is current.
 *
 * @param {import('./library.js').Version} version
 * @param {string} url
 */
export async function copyOf(version, url) {
  const response = await find(version, url)
  return response && { response, at: storedAt(await requestOf(await open(version), url)) }
}

/** @param {{response: Response, at?: number}} copy */
export const isFresh = ({ response, at = Date.now() }) => fresh(response.headers, at, Date.now())

/** @param {{seq: number}} version */
export const open = ({ seq }) => caches.open(cacheOf(seq))

/** The request that an entry is stored under.
 *
 * @param {Cache} cache
 * @param {string} url
 */
export const requestOf = async (cache, url) => (await cache.keys(url, { ignoreVary: true }))[0]

/**
 * @param {Cache} cache
 * @param {string} url
 * @param {Iterable<string>} as Why it is there: `explicit`, `fallback`, `master`, `manifest`.
 * @param {Response} response
 * @param {number} [at] As of when it is current.
 */
export async function keep(cache, url, as, response, at = Date.now()) {
  const headers = { [AS]: [...new Set(as)].join(' '), [AT]: `${at}` }
  let kept = response
  if (response.headers.get('vary')?.includes('*')) {
    // no cache takes it so
    const fields = new Headers(response.headers)
    fields.delete('vary')
    kept = new Response(response.body, { status: response.status, statusText: response.statusText, headers: fields })
  }
  await cache.put(new Request(url, { headers }), kept)
}

/** @param {Request | undefined} request */
export const storedAt = (request) => +(request?.headers.get(AT) || 0)

/** @param {Request | undefined} request */
export const categories = (request) => (request?.headers.get(AS) || '').split(' ').filter((word) => word)
