// A worker for development: it keeps nothing and answers nothing, so that every change is seen at
// once. It has the place in which the site's worker would be, or is still from before; for pages
// there is a worker as always. Without a `fetch` listener browsers do not even ask it.

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self))

/** Another worker was here, and the open pages may be what it kept. */
let tookOver = false

worker.addEventListener('install', () => {
  tookOver = !!worker.registration.active
  worker.skipWaiting()
})

worker.addEventListener('activate', (event) =>
  event.waitUntil(
    (async () => {
      const ours = `revisit|${worker.registration.scope}|`
      for (const name of await caches.keys()) if (name.startsWith(ours)) await caches.delete(name)
      await worker.clients.claim()
      if (!tookOver) return
      for (const page of await worker.clients.matchAll({ type: 'window' })) {
        // not awaited: the navigation waits for this very activation
        page.navigate(page.url).catch(() => {})
      }
    })(),
  ),
)

// Nothing is fetched ahead or saved; but who asks for it is answered.
worker.addEventListener('message', ({ ports }) => ports[0]?.postMessage({ type: 'DONE' }))
