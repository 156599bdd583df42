// For work on a site: the worker of `revisit serve` says on the console what it does, and why. In that
// of a build no word of this is left.

/** @type {WeakMap<object, string[]>} What there is to say of an event, until it is answered. */
const reasons = new WeakMap()

/**
 * @param {FetchEvent} event
 * @param {string} reason
 */
export function because(event, reason) {
  reasons.set(event, [...(reasons.get(event) || []), reason])
}

/**
 * Says how a request was answered, when it is: one line, which opens to the reasons.
 *
 * @param {FetchEvent} event
 */
export function overhear(event) {
  const { method, url, destination } = event.request
  const respondWith = event.respondWith.bind(event)
  const say = (/** @type {string} */ outcome) => {
    console.groupCollapsed(`revisit: ${method} ${url}: ${outcome}`)
    for (const reason of [`for ${destination || 'fetch'}`, ...(reasons.get(event) || [])]) console.debug(reason)
    console.groupEnd()
  }
  event.respondWith = (answer) => {
    respondWith(answer)
    Promise.resolve(answer).then(
      ({ status, type }) => say(type === 'opaque' ? type : `${status}`),
      (error) => say(`no answer (${error})`),
    )
  }
}
