// The network answers; what is kept does when there is none, or when it takes too long.

import { SPEAKS } from './config.js'
import { because } from './explain.js'
import { fromNetwork, fromStash } from './from.js'

/** @type {import('./routing.js').Strategy} */
export async function networkFirst(route, event) {
  const answer = fromNetwork(route, event)
  const late = new Promise((resolve) => route.timeout && setTimeout(resolve, route.timeout))
  // late or none: what is kept; and if nothing is, the network after all
  const inTime = await Promise.race([answer, late]).catch(() => undefined)
  if (inTime) return answer
  if (SPEAKS) because(event, 'the network is late, or there is none')
  // it may come yet, and is kept then
  event.waitUntil(answer.catch(() => {}))
  return (await fromStash(route, event)) || answer
}
