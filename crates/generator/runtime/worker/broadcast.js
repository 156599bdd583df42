// Tells pages that what they were given is no longer the newest, in the words of Workbox.

import { worker } from './global.js'
import { STASHES } from './stash.js'

/** @type {NonNullable<import('./features.js').Features['changed']>} */
export async function changed({ name }, { request, resultingClientId }, before, after) {
  const same = ['content-length', 'etag', 'last-modified'].every(
    (field) => before.headers.get(field) === after.headers.get(field),
  )
  if (same) return
  // a page that is being loaded can be told when it is there
  if (resultingClientId) await worker.clients.get(resultingClientId)
  for (const page of await worker.clients.matchAll({ type: 'window' })) {
    page.postMessage({
      type: 'CACHE_UPDATED',
      meta: 'workbox-broadcast-update',
      payload: { cacheName: STASHES + name, updatedURL: request.url },
    })
  }
}
