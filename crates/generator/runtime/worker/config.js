// What the generator writes in place of this module: the answers that differ from site to site.
// These values serve the tests and the type checker.

/**
 * @typedef {object} Config
 * @property {string} site Names the caches, beside the scope: two sites of one scope stay apart.
 * @property {string} build The build id: the hash of the manifest, and part of its file name.
 * @property {number} stallMs How long a request may stay silent, in milliseconds.
 * @property {string} ignore Names of query parameters that change nothing, as a regular expression
 *   of literal words: no input makes it slow.
 * @property {number} [lazyBytes] Room for files that are kept when they are first used.
 * @property {boolean} [byFolder] Three pages of a folder are asked for the header fields of all.
 * @property {string[]} [network] Paths below which nothing is ever ours; each ends with a slash.
 * @property {string} [cdn] URL below which a CDN has the same files.
 * @property {string} [replaces] Beginnings of names of caches that other tools have left, as a regular expression.
 * @property {string} [offline] The page for navigations that neither cache nor network answers.
 * @property {string} [fallback] The page that answers navigations to paths without a file.
 * @property {string[]} [allow] Patterns of the paths that the fallback may answer; none: all.
 * @property {string[]} [deny] Patterns of the paths that it must not answer.
 * @property {Route[]} [routes] Who answers what no file of the build does; the first that matches.
 * @property {Prefetch} [prefetch] What pages may have fetched ahead.
 *
 * @typedef {object} Prefetch
 * @property {number} urlsMax Most URLs of a message, and most that it may come to by following.
 * @property {number} sizeMax Most bytes that are kept in all, and that a message may fetch.
 * @property {number} saveMax Most bytes of a saved page.
 * @property {number} lanes How many requests are under way at one time.
 * @property {number} freshMs How long an answer is given without asking.
 * @property {number} timeoutMs How long the network has to begin its answer after that.
 * @property {boolean} opaque Also what cannot be read.
 * @property {import('./follow.js').Rule[]} follow
 */

/**
 * @typedef {import('./stash.js').Terms & RouteKeys} Route
 *
 * @typedef {object} RouteKeys
 * @property {'cacheFirst' | 'networkFirst' | 'staleWhileRevalidate' | 'cacheOnly' | 'networkOnly'} strategy
 * @property {string} name Of its stash.
 * @property {string[]} [path] Patterns of URL paths below the origin, without a leading slash; none: all.
 * @property {string} [origin] An origin, or `*` for any; none: the site's own.
 * @property {string[]} [methods] None: GET.
 * @property {string[]} [destination] Of requests, as Fetch has them; none: all.
 * @property {number} [timeout] Milliseconds after which what is kept answers.
 * @property {boolean} [ignoreSearch] URLs that differ in their query alone are one.
 * @property {RequestCredentials} [credentials] Instead of the request's own.
 * @property {string} [fallback] A file of the build that answers when nothing else does.
 * @property {boolean} [onFailure] It answers in the place of errors too.
 * @property {boolean} [broadcast] Are pages told of a newer response?
 */

/** @type {Config} */
export const config = { site: '', build: 'test', stallMs: 30_000, ignore: '^utm_' }

// A constant, so that what a site does not use is not in its worker at all.

/** Is it the worker of `revisit serve`, which says on the console what it does? */
export const SPEAKS = true
