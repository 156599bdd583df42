// Does a path match a pattern? The twin of `rules/src/site/pattern.rs`: both run the cases of
// `tests/vectors/pattern.json`, and the generator has expanded all braces before.

/**
 * `?` is one character but a slash, `*` any number of them, `**` any characters at all, and a
 * `**` followed by a slash any number of whole folders. Time grows with the product of the
 * lengths at most: only the last star of each kind is ever tried again.
 *
 * @param {string} pattern
 * @param {string} path
 * @returns {boolean}
 */
export function matches(pattern, path) {
  let p = 0
  let s = 0
  let deep = -1 // behind the last `**` in the pattern, and where in the path it is to go on
  let deepAt = 0
  let whole = false // that `**` takes whole folders
  let star = -1 // the same for the last `*`
  let starAt = 0
  for (;;) {
    if (pattern.startsWith('**', p)) {
      whole = (p === 0 || pattern[p - 1] === '/') && pattern[p + 2] === '/'
      p += 2
      if (whole) p++
      deep = p
      deepAt = s
      star = -1
    } else if (pattern[p] === '*') {
      star = ++p
      starAt = s
    } else if (p === pattern.length && s === path.length) {
      return true
    } else if (s < path.length && (pattern[p] === '?' ? path[s] !== '/' : pattern[p] === path[s])) {
      p++
      s++
    } else if (star >= 0 && starAt < path.length && path[starAt] !== '/') {
      p = star
      s = ++starAt
    } else if (deep >= 0 && deepAt < path.length) {
      if (whole) {
        const slash = path.indexOf('/', deepAt)
        if (slash < 0) return false
        deepAt = slash
      }
      p = deep
      s = ++deepAt
      star = -1
    } else {
      return false
    }
  }
}
