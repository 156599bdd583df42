// What is kept answers, and the network when nothing is.

import { fromNetwork, fromStash } from './from.js'

/** @type {import('./routing.js').Strategy} */
export const cacheFirst = async (route, event) => (await fromStash(route, event)) || fromNetwork(route, event)
