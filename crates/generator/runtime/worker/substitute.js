// A file of the build in the place of what neither stash nor network has.

import { serve } from './answer.js'
import { config } from './config.js'
import { generation, list } from './generation.js'

/** @type {NonNullable<import('./features.js').Features['substitute']>} */
export async function substitute(file, { request }) {
  const from = await generation(config.build)
  return from && serve(from, (await list(from, file)).get(file), request)
}
