// A worker that removes itself and what it kept. It takes the place of one that a site no
// longer wants: browsers ask for the old worker's file, find this, and are rid of it.

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self))

worker.addEventListener('install', () => {
  worker.skipWaiting()
})

worker.addEventListener('activate', (event) =>
  event.waitUntil(
    (async () => {
      const ours = `revisit|${worker.registration.scope}|`
      for (const name of await caches.keys()) if (name.startsWith(ours)) await caches.delete(name)
      const pages = await worker.clients.matchAll({ type: 'window' })
      await worker.registration.unregister()
      // In development the open pages are another site's, or an old state; RELOAD says so.
      if (RELOAD) for (const page of pages) page.navigate(page.url).catch(() => {})
    })(),
  ),
)
