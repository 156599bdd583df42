// The network answers, and nothing is kept.

import { askFor } from './from.js'

/** @type {import('./routing.js').Strategy} */
export const networkOnly = askFor
