// Asks other origins so that the answer can be read: what cannot be takes megabytes of the quota in
// some browsers, whatever its size, and nobody sees whether it is an error.

import { isPart } from './from.js'
import { worker } from './global.js'

/** @type {NonNullable<import('./features.js').Features['upgraded']>} */
export async function upgraded(request, credentials = 'same-origin') {
  const { origin } = new URL(request.url)
  if (request.mode !== 'no-cors' || origin === worker.location.origin || isPart(request) || refusing.has(origin)) {
    return fetch(request)
  }
  try {
    return await fetch(new Request(request, { mode: 'cors', credentials }))
  } catch {
    const response = await fetch(request)
    // it is there, and lets nobody read it: not asked twice again
    refusing.add(origin)
    return response
  }
}

/** @type {Set<string>} */
const refusing = new Set()
