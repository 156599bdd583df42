// What a site may add to the worker: each is there only if the site uses it.
//
// Where modules are joined `features.x` is no look-up: called, it is the function itself, and else `true`; or
// `undefined`. What asks for something that the site does not have goes when the worker is made smaller.

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
 * @property {(from: Generation, url: URL) => Promise<{file: string, elsewhere: boolean} | undefined>} [fallback]
 *   A page for a path without a file.
 * @property {(from: Generation, event: FetchEvent, failed?: unknown) => Promise<Response>} [missing]
 *   Answers a navigation that the cache cannot; `failed`: why nobody else did.
 * @property {(from: Generation) => Promise<void>} [asked] Asks for the header fields of pages.
 * @property {(from: Generation) => Promise<void>} [refresh] Asks again, if that was long ago.
 * @property {(from: Generation, entry: Entry) => Promise<import('./generation.js').Head | undefined>} [head]
 *   Those of a page, once asked for.
 * @property {(entry: Entry, event: FetchEvent) => Promise<Response>} [lazy]
 *   Answers a file that is kept when it is first used.
 * @property {(build: string, lacking: Set<Job>, keep: (job: Job, made: Response) => Promise<void>, later?: boolean) => Promise<void>} [measure]
 *   Makes of what is lacking what it can, and keeps it.
 * @property {(event: FetchEvent) => Promise<Response> | undefined} [routed]
 *   Answers what no file of the build does, if it is for it to answer.
 * @property {(request: Request) => import('./config.js').Route | undefined} [routeFor] The route that matches.
 * @property {(route: import('./config.js').Route, request: Request) => Request} [keyOf]
 *   What it keeps a response under.
 * @property {(key: Request) => Promise<Response | undefined>} [kept]
 *   What pages asked to keep, beside what routes keep.
 * @property {(request: Request, credentials?: RequestCredentials) => Promise<Response>} [upgraded]
 *   Fetches, if it can be so that the answer can be read.
 * @property {(event: FetchEvent) => Promise<Response | undefined>} [preloaded]
 *   What the browser has asked for already.
 * @property {() => Promise<void>} [tidied] While a page is idle.
 * @property {(file: string, event: FetchEvent) => Promise<Response | undefined>} [substitute]
 *   A file of the build, in the place of an answer.
 * @property {(route: import('./config.js').Route, event: FetchEvent, answer: Response) => Promise<Response | undefined>} [instead]
 *   The same in the place of an answer that says that something went wrong.
 * @property {(route: import('./config.js').Route, event: FetchEvent, before: Response, after: Response) => Promise<void>} [changed]
 *   Tells pages that an entry was replaced, if it differs.
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
