// A page says what it is, and is told its build.

import { seek } from './answer.js'
import { config } from './config.js'
import { generation, list, slice } from './generation.js'
import { worker } from './global.js'
import { has, key, proved } from './keep.js'
import { load, note, noted } from './tabs.js'

/**
 * When a page comes up, when it goes into the back-forward cache, and when it comes back.
 *
 * @param {Client} page
 * @param {{build?: string, marker?: string, parked?: boolean}} hello `build`, if it was told before;
 *   `marker`: the word in its script tag.
 */
export async function greet(page, { build, marker, parked }) {
  await load()
  const { installing, waiting } = worker.registration
  const known = noted(page.id) || build || config.build
  if (known !== config.build || (parked && (installing || waiting))) {
    await note(page.id, known, parked ? Date.now() + PARKED_MS : 0)
  }
  if (parked) return
  // The very first page came from the server, which may have had another build by then.
  const own = known !== config.build || (await carries(page.url, marker)) ? known : ''
  page.postMessage({
    type: 'REVISIT',
    payload: { event: 'build', build: own, newest: config.build, complete: await has(key('a', config.build)) },
  })
}

/**
 * Does the page of this address, as it is kept, carry that word? If none is kept nothing speaks
 * against it.
 *
 * @param {string} address
 * @param {string} [marker]
 */
async function carries(address, marker) {
  const from = await generation(config.build)
  const url = new URL(address)
  url.search = ''
  const found = from && (await seek(from, url))
  const entry = found && (await list(from, found.file)).get(found.file)
  if (!entry || !marker) return true
  if (entry.pack === undefined) return !entry.marker || entry.marker === marker
  const page = await slice(entry)
  return !page || proved(await page.arrayBuffer(), `~${marker}`)
}

/** Longer than browsers keep a page in the back-forward cache. */
const PARKED_MS = 11 * 60_000
