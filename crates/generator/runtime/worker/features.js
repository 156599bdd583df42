// What a site may add to the worker: each is there only if the site uses it.

/**
 * @typedef {import('./generation.js').Entry} Entry
 * @typedef {import('./generation.js').Generation} Generation
 * @typedef {import('./ensure.js').Job} Job
 *
 * @typedef {object} Features
 * @property {(event: ExtendableEvent) => Promise<void>} [routes] On install: what goes past the worker.
 * @property {() => Promise<unknown>} [installed] After a generation was committed.
 * @property {() => Promise<unknown>} [activated] After the pages of older builds were noted.
 * @property {(event: FetchEvent) => Promise<Generation | undefined>} [arrive]
 *   On every navigation: another generation than the client's own, to answer it.
 * @property {(url: URL) => string | undefined} [fallback] A page for a path without a file.
 * @property {(from: Generation, event: FetchEvent) => Promise<Response>} [missing]
 *   Answers a navigation that the cache cannot.
 * @property {(from: Generation) => Promise<void>} [asked] Asks for the header fields of pages.
 * @property {(from: Generation) => Promise<void>} [refresh] Asks again, if that was long ago.
 * @property {(from: Generation, entry: Entry) => Promise<import('./generation.js').Head | undefined>} [head]
 *   Those of a page, once asked for.
 * @property {(entry: Entry, event: FetchEvent) => Promise<Response>} [lazy]
 *   Answers a file that is kept when it is first used.
 * @property {(build: string, lacking: Set<Job>, keep: (job: Job, made: Response) => Promise<void>, later?: boolean) => Promise<void>} [measure]
 *   Makes of what is lacking what it can, and keeps it.
 * @property {(request: Request) => string} [home] The address on the site of what is asked of a CDN.
 * @property {(request: Request, headers?: Headers) => boolean} [abroad]
 *   Is it asked of the CDN? `headers` of the answer are made fit for that, if it is.
 * @property {(event: FetchEvent) => Promise<Response | undefined> | undefined} [ahead]
 *   What was fetched ahead, or saved; `undefined`: surely nothing.
 * @property {(path: string) => [string, RequestInit][]} [copies]
 *   Where else a file may lie in the HTTP cache.
 */

/** @type {Features} */
export const features = {}
