// What the worker says to the pages of its scope, controlled or not.

import { worker } from './global.js'

/**
 * @param {'progress' | 'failed' | 'degraded' | 'complete'} event
 * @param {object} [detail]
 */
export async function tell(event, detail) {
  for (const page of await worker.clients.matchAll({ includeUncontrolled: true })) {
    page.postMessage({ type: 'REVISIT', payload: { event, ...detail } })
  }
}
