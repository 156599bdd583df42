// For an address that belongs to one site today and to another tomorrow, as the port of a
// development server does: what another site's worker left must not answer for this one.

import { config } from './config.js'
import { worker } from './global.js'
import { activeBuild, ours } from './keep.js'

/** Some worker was active before, and none of this site's ever was. */
let seized = false

/** After the install: waits for no page of the other site to close. */
export async function seize() {
  seized = !!worker.registration.active && !(await activeBuild())
  if (seized) await worker.skipWaiting()
}

/** What another site kept under this scope goes: its name is not that of this one. */
export async function forgetOthers() {
  for (const name of await caches.keys()) {
    if (name.startsWith(ours) && !name.startsWith(`${ours}${config.site}|`)) await caches.delete(name)
  }
}

/** After the activation: the other site is forgotten, and its pages are loaded anew. */
export async function reloadPages() {
  await forgetOthers()
  if (!seized) return
  await worker.clients.claim()
  for (const page of await worker.clients.matchAll({ type: 'window' })) {
    // not awaited: the navigation waits for this very activation
    page.navigate(page.url).catch(() => {})
  }
}
