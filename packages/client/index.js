// The page client of a site built by Revisit, as a promise.
//
// `window.revisit` is made by the script tag that a build puts into each page. Modules of the page
// may run before it, or where there is none.

/**
 * @returns {Promise<import('./index.d.ts').Revisit>} Settles when the page client is there; never on a
 *   server, nor in a page without it.
 */
export function ready() {
  return new Promise((resolve) => {
    if (typeof window === 'undefined') return
    const look = () => {
      if (window.revisit) resolve(window.revisit)
    }
    addEventListener('revisit', look, { once: true })
    look()
  })
}

/**
 * Loads the page client into a page that a build has left alone (`[worker] inject = false`). If it is
 * there already nothing is loaded.
 *
 * @param {string | URL} client Its address, as the build has said it: `/revisit/client-….js`.
 * @returns {Promise<import('./index.d.ts').Revisit>} Rejects if the script cannot be loaded.
 */
export function register(client) {
  if (typeof window === 'undefined' || window.revisit) return ready()
  return new Promise((resolve, reject) => {
    const script = document.createElement('script')
    script.src = `${client}`
    script.onerror = () => reject(new Error(`the page client \`${client}\` cannot be loaded`))
    document.head.append(script)
    void ready().then(resolve)
  })
}
