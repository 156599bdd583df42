// The worker's own globals, under a name that the type checker knows.

export const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self))

/** The folder that this worker answers for, as a URL with a slash at its end. */
export const scope = worker.registration.scope
