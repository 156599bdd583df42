// Packs made to measure: `revisit serve` sends what all packs lack in one answer.
//
// What this module cannot make is left to `ensure`, which fetches as from any host: a server of
// another build, an answer of another length, bytes that are not the wanted ones.

import { config } from './config.js'
import { scope, worker } from './global.js'
import { proved } from './keep.js'

/**
 * @typedef {import('./ensure.js').Job} Job
 * @typedef {{job: Job, packed: import('./generation.js').Entry[], parts: (ArrayBuffer | undefined)[]}} Cut
 *   A pack of whose files some are at hand.
 */

/** @type {NonNullable<import('./features.js').Features['measure']>} */
export async function measure(build, lacking, keep, later) {
  /** @type {Cut[]} */
  let batch = []
  let bytes = 0
  let files = 0
  const flush = async () => {
    await fetchAll(build, batch, keep, later)
    batch = []
    bytes = files = 0
  }
  try {
    for (const job of [...lacking]) {
      const { packed, size } = job
      if (!packed) continue
      if (bytes + size > BATCH_BYTES_MAX || files + packed.length > BATCH_FILES_MAX) await flush()
      const parts = await job.hand?.()
      if (!parts) continue
      batch.push({ job, packed, parts })
      bytes += size
      files += packed.length
    }
    await flush()
  } catch {
    // not this way, then: what was made is kept
  }
}

/**
 * @param {string} build
 * @param {Cut[]} batch
 * @param {(job: Job, made: Response) => Promise<void>} keep
 * @param {boolean} [later]
 */
async function fetchAll(build, batch, keep, later) {
  const wanted = batch.flatMap(({ packed, parts }) => packed.filter((_, index) => !parts[index]))
  const controller = new AbortController()
  try {
    const take = wanted.length ? await taker(build, wanted, controller, later) : undefined
    for (const { job, packed, parts } of batch) {
      for (const [index, { size }] of packed.entries()) parts[index] ||= await take?.(size)
      const made = await new Blob(/** @type {BlobPart[]} */ (parts)).arrayBuffer()
      if (await proved(made, `${job.name}`)) await keep(job, new Response(made))
    }
  } finally {
    controller.abort()
  }
}

/**
 * Asks for files and gives a function that takes their bytes off the answer.
 *
 * @param {string} build
 * @param {import('./generation.js').Entry[]} wanted
 * @param {AbortController} controller
 * @param {boolean} [later]
 */
async function taker(build, wanted, controller, later) {
  let timer = 0
  /**
   * @template T
   * @param {Promise<T>} answer
   */
  const heard = (answer) => {
    timer = worker.setTimeout(() => controller.abort(), config.stallMs)
    return answer.finally(() => clearTimeout(timer))
  }
  const response = await heard(
    fetch(scope + 'revisit/measure', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ build, files: wanted.map(({ path }) => path) }),
      signal: controller.signal,
      ...(later && { priority: 'low' }),
    }),
  )
  const total = wanted.reduce((sum, { size }) => sum + size, 0)
  if (!response.ok || response.headers.get('content-length') !== `${total}`) throw new Error('status')
  const reader = /** @type {ReadableStream<Uint8Array<ArrayBuffer>>} */ (response.body).getReader()
  let chunk = new Uint8Array()
  return async (/** @type {number} */ size) => {
    const bytes = new Uint8Array(size)
    for (let at = 0; at < size; ) {
      if (!chunk.length) {
        const { value } = await heard(reader.read())
        if (!value) throw new Error('short')
        chunk = value
      }
      const part = chunk.subarray(0, size - at)
      bytes.set(part, at)
      at += part.length
      chunk = chunk.subarray(part.length)
    }
    return bytes.buffer
  }
}

/** What is at hand of so much is held in memory at once. */
const BATCH_BYTES_MAX = 33_554_432

/** As many as the server takes. */
const BATCH_FILES_MAX = 4096
