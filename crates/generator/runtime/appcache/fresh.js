// May a stored file be used once more in a newer version without a request? Only by a lifetime that the
// server gave: what is guessed from `Last-Modified` may be of yesterday's version (RFC 9111 §4.2).

/**
 * @param {Headers} headers
 * @param {number} at When it was stored, in milliseconds.
 * @param {number} now
 */
export function fresh(headers, at, now) {
  const said = directives(headers)
  if (said.has('no-cache') || said.has('no-store') || headers.get('vary')?.includes('*')) return false
  const date = Date.parse(headers.get('date') || '')
  const born = Math.min(at - 1000 * (Number(headers.get('age')) || 0), date || at)
  const lifetime = said.has('max-age')
    ? 1000 * seconds(said.get('max-age'))
    : Date.parse(headers.get('expires') || '') - (date || at) || 0
  return born + lifetime > now
}

/** @param {Headers} headers */
export const forbidsStore = (headers) => directives(headers).has('no-store')

/** @param {Headers} headers */
function directives(headers) {
  const found = new Map()
  for (const part of (headers.get('cache-control') || '').split(',')) {
    const [name, value = ''] = part.trim().split('=')
    // of several the first counts
    if (!found.has(name.toLowerCase())) found.set(name.toLowerCase(), value)
  }
  return found
}

/** @param {string} value */
const seconds = (value) => (/^\d+$/.test(value) ? +value : 0)
