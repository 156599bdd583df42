// Navigations wait for the worker.
//
// While Chromium wakes a worker it asks the network for the page as well, in vain if the worker has it. A static
// route that names the worker ends that. A browser without static routes has no such habit.

/** @param {ExtendableEvent} event Of the install. */
export async function awaited(event) {
  try {
    // newer than the type checker's library
    await /** @type {any} */ (event).addRoutes?.({ condition: { requestMode: 'navigate' }, source: 'fetch-event' })
  } catch {
    // this browser takes no such route: it saves a request and nothing else
  }
}
