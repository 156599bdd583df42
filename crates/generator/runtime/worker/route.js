// Which file of the site answers a URL path? The twin of `rules/src/site/route.rs`: both run the
// cases of `tests/vectors/route.json`.

/**
 * @param {string} path URL path below the scope, without a leading slash, still encoded.
 * @param {(file: string) => boolean} has Is there a file of this path?
 * @returns {{file: string, elsewhere: boolean} | undefined} The file, and whether the client must
 *   be sent to its folder instead: served in place, its relative links would point elsewhere.
 */
export function find(path, has) {
  const file = decode(path)
  if (file === undefined) return undefined
  // No file is called so, but what a server makes may be: `shop/`.
  const endings = /(^|\/)$/.test(file) ? ['', INDEX] : ['', '.html', '/' + INDEX]
  for (const ending of endings) {
    if (has(file + ending)) return { file: file + ending, elsewhere: ending[0] === '/' }
  }
  return undefined
}

/**
 * @param {string} path URL path below the scope, still encoded.
 * @returns {string | undefined} The path of the file; nothing for what no file can have.
 */
export function decode(path) {
  // An encoded slash parts no folders. Empty and dot segments need no look: no file has them.
  if (/%(2f|5c|00)/i.test(path)) return undefined
  try {
    return decodeURIComponent(path)
  } catch {
    return undefined // not UTF-8
  }
}

/**
 * What all files that may answer one path have in common: `about`, `about.html` and
 * `about/index.html` have the stem `about`.
 *
 * @param {string} file
 */
export const stem = (file) => file.replace(/(\.html|(^|\/)index|\/)+$/, '')

/**
 * @param {string} file
 * @returns {string} The path under which a file is asked for, relative to the scope, encoded.
 */
export function urlPath(file) {
  return file
    .replace(/(^|\/)index\.html$/, '$1')
    .split('/')
    .map(encodeURIComponent)
    .join('/')
}

const INDEX = 'index.html'
