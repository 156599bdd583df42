// Navigation preload: while the worker wakes up, the browser asks for the page already.
//
// It does so for every page, also for one that is kept: the answer is taken wherever the network would
// be asked, and consumed where it is not.

/** @type {NonNullable<import('./features.js').Features['preloaded']>} */
export async function preloaded({ preloadResponse }) {
  const response = await preloadResponse
  return response && !response.bodyUsed ? response : undefined
}
