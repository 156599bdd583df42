// What a page has fetched ahead, and what a visitor keeps for reading offline, as methods of
// `window.revisit`. All of it waits until a worker is active, also on the very first visit; nothing
// that goes wrong there throws here. Only for sites with a `[prefetch]` section.

import { Revisit, root, spares } from './client.js'

/**
 * @typedef {object} How
 * @property {AbortSignal} [signal] Ends it; what was not begun is not fetched. The promise rejects.
 * @property {(progress: {done: number, total: number}) => void} [onprogress]
 *
 * @typedef {object} Summary What became of it.
 * @property {number} total URLs that it came to, by following too.
 * @property {number} fetched Asked for, and kept.
 * @property {number} had There already, and young.
 * @property {number} refused Not kept, or not looked through; `failed` names the first twenty, with the reason.
 * @property {{url: string, reason: string, status?: number}[]} failed
 * @property {number} ignored Beyond the limits, or no URLs.
 * @property {number} size Bytes that were fetched.
 * @property {boolean} [held] Nothing was asked for: the visitor saves data, or the line is slow.
 * @property {number} [linked] There is no worker: so many were left to `<link rel=prefetch>`.
 *
 * @typedef {{pointer?: string, html?: boolean, from?: string | string[], depth?: number}} Rule As
 *   `[[prefetch.follow]]` of the config.
 *
 * @typedef {{url: string, title: string, time: number, lacking: number}} SavedPage `time`: when, in
 *   milliseconds since the epoch; `lacking`: how much of what it loads could not be had.
 */

export class PrefetchingRevisit extends Revisit {
  /**
   * @param {unknown} message `CLEAR`, `CACHE_URLS`, or whatever code of the site's own understands.
   * @param {How} [how]
   * @returns {Promise<any>} The last answer; nothing if there is no worker, or it is silent for a minute.
   */
  async send(message, { signal, onprogress } = {}) {
    signal?.throwIfAborted()
    /** @type {Promise<never>} */
    const aborted = new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
    const worker = await Promise.race([active(this), aborted])
    if (!worker) return undefined
    const { port1, port2 } = new MessageChannel()
    signal?.addEventListener('abort', () => port1.postMessage({ type: 'ABORT' }))
    let timer = 0
    const answered = new Promise((resolve) => {
      const heard = () => {
        clearTimeout(timer)
        timer = window.setTimeout(resolve, SILENT_MS)
      }
      port1.onmessage = ({ data }) => {
        heard()
        if (data?.type === 'PROGRESS') onprogress?.(data.payload)
        else resolve(data?.type === 'DONE' ? data.payload : data)
      }
      heard()
    })
    worker.postMessage(message, [port2])
    return Promise.race([answered, aborted]).finally(() => clearTimeout(timer))
  }

  /**
   * Has URLs fetched, and what they lead to.
   *
   * @param {string | Iterable<string | URL | HTMLAnchorElement>} urls
   * @param {How & {tag?: string, follow?: Rule[], top?: number, always?: boolean}} [how] `tag`: a word by
   *   which it is cleared; `top`: so many of them; `always`: also when the visitor saves data.
   * @returns {Promise<Summary>}
   */
  async prefetch(urls, { tag, follow, top, always, ...how } = {}) {
    const list = [...new Set(typeof urls === 'string' ? [urls] : urls)].map(absolute).slice(0, top)
    if (!always && spares()) return { ...NOTHING, held: true }
    const summary = list.length && (await this.send({ type: 'PREFETCH', payload: { urls: list, follow, tag } }, how))
    if (summary || !list.length || (await active(this))) return summary || NOTHING
    for (const href of list.slice(0, LINKS_MAX)) {
      document.head.append(Object.assign(document.createElement('link'), { rel: 'prefetch', href }))
    }
    return { ...NOTHING, linked: Math.min(list.length, LINKS_MAX) }
  }

  /**
   * Keeps a page, with what it loads, until `forget`.
   *
   * @param {string | URL} [page] This one, if none is named.
   * @param {How & {urls?: string[], title?: string, follow?: Rule[], tag?: string}} [how] `urls`: what its
   *   scripts ask for.
   * @returns {Promise<Summary & {saved: boolean}>}
   */
  async save(page = location.href, { urls = [], title, follow, tag, ...how } = {}) {
    const url = absolute(page)
    const isThis = url.split('#')[0] === location.href.split('#')[0]
    const payload = { url, urls: urls.map(absolute), title: title ?? (isThis ? document.title : ''), follow, tag }
    return (await this.send({ type: 'SAVE', payload }, how)) || { ...NOTHING, saved: false }
  }

  /** @returns {Promise<SavedPage[]>} The last saved first. */
  async saved() {
    return (await this.send({ type: 'SAVED' })) || []
  }

  /**
   * @param {string | URL} [page]
   * @returns {Promise<boolean>} Was it saved?
   */
  async forget(page = location.href) {
    return !!(await this.send({ type: 'FORGET', payload: { url: absolute(page) } }))
  }
}

/** @param {string | URL | HTMLAnchorElement} url */
function absolute(url) {
  try {
    return new URL(`${url}`, document.baseURI).href
  } catch {
    return `${url}` // the worker counts it
  }
}

/**
 * The worker that is active, as soon as there is one; none where there will be none.
 *
 * @param {Revisit} revisit
 * @returns {Promise<ServiceWorker | null | undefined>}
 */
async function active(revisit) {
  const { serviceWorker } = navigator
  if (!serviceWorker || !location.href.startsWith(root.href)) return undefined
  const failed = new Promise((resolve) => {
    if (revisit.state === 'failed') resolve(undefined)
    revisit.addEventListener('failed', () => resolve(undefined))
  })
  const registration = (await Promise.race([serviceWorker.ready, failed])) || revisit.registration
  return registration?.active
}

/** @type {Summary} */
const NOTHING = { total: 0, fetched: 0, had: 0, refused: 0, failed: [], ignored: 0, size: 0 }
const SILENT_MS = 60_000
const LINKS_MAX = 100
