// Update mode `next-visit`: a waiting worker takes over on a navigation (a reload included) when
// no second page of the site is open. The page that is then loaded is already of the new build.

import { config } from './config.js'
import { generation } from './generation.js'
import { worker } from './global.js'
import { note } from './tabs.js'

/** @type {NonNullable<import('./features.js').Features['arrive']>} */
export async function nextVisit(event) {
  const { waiting } = worker.registration
  // A frame is no visit; and a page that cannot be seen is not the one that navigates.
  if (!waiting || event.request.destination !== 'document') return undefined
  const windows = await worker.clients.matchAll({ type: 'window' })
  const open = windows.filter((page) => page.frameType !== 'nested')
  if (open.length > 1 || open.some((page) => page.visibilityState === 'hidden')) return undefined
  const { port1, port2 } = new MessageChannel()
  const build = await new Promise((resolve) => {
    port1.onmessage = ({ data }) => resolve(data)
    setTimeout(resolve, 1000)
    waiting.postMessage({ type: 'SKIP_WAITING' }, [port2])
  })
  const next = build && (await generation(build))
  // Noted first: the activation takes everyone it does not know for a page of the build before.
  // If the new worker was too slow to say its build, the page gets, and keeps, this one.
  await note(event.resultingClientId, next ? build : config.build)
  return next
}
