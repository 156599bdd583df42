// Answers a navigation from the network, and when there is none by the offline page.

import { serve } from './answer.js'
import { config } from './config.js'

/** @type {NonNullable<import('./start.js').Features['missing']>} */
export async function offline(from, event) {
  try {
    return await fetch(event.request)
  } catch (error) {
    const page = from.entries.has(config.offline || '') && (await serve(from, config.offline || '', event.request))
    if (page) return page
    throw error
  }
}
