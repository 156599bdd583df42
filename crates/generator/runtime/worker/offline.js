// Answers a navigation from the network, and when there is none by the offline page. Where a route has
// failed already nobody is asked again.

import { network, serve } from './answer.js'
import { config } from './config.js'
import { list } from './generation.js'

/** @type {NonNullable<import('./features.js').Features['missing']>} */
export async function offline(from, event, failed) {
  try {
    if (failed) throw failed
    return await network(event)
  } catch (error) {
    const file = config.offline || ''
    const page = await serve(from, (await list(from, file)).get(file), event.request)
    if (page) return page
    throw error
  }
}
