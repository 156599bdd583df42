// Which URLs a page and a style sheet load, of what people write and of what nobody would.

import assert from 'node:assert/strict'
import test from 'node:test'

import { loadedByPage, loadedByStyle } from './html.js'

/** @param {string} html @param {string[]} urls @param {string} [base] */
const check = (html, urls, base = '') => assert.deepEqual(loadedByPage(html), { base, urls }, html)

test('what a browser loads for a page is found, in its order', () => {
  check('<img src=a.png><script src="b.js" defer></script><link rel="stylesheet" href=\'c.css\'>', ['a.png', 'b.js', 'c.css'])
  check('<IMG\n ALT="a > b"\n SRC = " a.png " />', ['a.png'])
  check('<link rel="preload icon" href=a><link rel=modulepreload href=b><link rel=alternate href=c>', ['a', 'b'])
  check('<link rel=preload as=image imagesrcset="a 1x, b 2x">', ['a', 'b'])
  check('<video poster=a.jpg src=b.mp4></video><a href=c><iframe src=d></iframe>', ['a.jpg'])
  check('<picture><source srcset="a.avif 1x,b.avif 2x"><img src=c></picture>', ['a.avif', 'b.avif', 'c'])
  check('<img src="a?b=1&amp;c=2&#38;d&#x26;e">', ['a?b=1&c=2&d&e'])
  check('<base href=/x/><base href=/y/><img src=a>', ['a'], '/x/')
  check('<img src=a src=b>', ['a'])
})

test('what only looks like a tag is none', () => {
  check('<!-- <img src=a> --><img src=b>', ['b'])
  check('<script>"<img src=a>"</script ><img src=b>', ['b'])
  check('<style>/* <img src=a> */</STYLE><title><img src=b></title><textarea><img src=c></textarea>', [])
  check('1 < 2 <3 <img/src=a/>', ['a/'])
  check('<p title="<img src=a>">', [])
  check('<imgs src=a><img-x src=b><img data-src=c>', [])
  check('<!-- <img src=a>', [])
  check('<script src=a>', ['a'])
  check('<img src="a', ['"a'])
})

test('a srcset has its candidates, whatever stands between them', () => {
  check('<img srcset="a 1x, b.png 2x,c 300w">', ['a', 'b.png', 'c'])
  check('<img srcset="data:image/png;base64,AA== 1x, b 2x">', ['data:image/png;base64,AA==', 'b'])
  check('<img srcset=" , ,a,,, b ,">', ['a', 'b'])
  check('<img srcset="">', [])
})

test('a style sheet names what it loads', () => {
  const css = "@import 'a.css'; @import url(b.css) print; x { background: url( \"c d.png\" ), URL('e') } url() y"
  assert.deepEqual(loadedByStyle(css), ['a.css', 'b.css', 'c d.png', 'e'])
})

/** Texts of what matters to the scanners, in any order; the same at every run. */
function* noise() {
  const parts = ['<', '>', '"', "'", '=', '/', ' ', '\n', '<img', 'src', 'srcset', '<!--', '-->', '<script', '</script', 'a', ',', '&amp;', 'url(', ')', '@import', '\0', '\u{1f33c}']
  let seed = 1
  const next = (/** @type {number} */ below) => (seed = (seed * 48271) % 2147483647) % below
  for (let round = 0; round < 2000; round++) {
    let text = ''
    for (let count = next(60); count > 0; count--) text += parts[next(parts.length)]
    yield text
  }
}

test('no text makes a scanner throw, and what it finds stands in the text', () => {
  for (const text of noise()) {
    for (const url of loadedByPage(text).urls) assert.ok(text.includes(url.split('&')[0].trim()), `${url} in ${text}`)
    for (const url of loadedByStyle(text)) assert.ok(text.includes(url), `${url} in ${text}`)
  }
})

test('a long text takes no quadratic time', () => {
  for (const part of ['<', '<a', '<img src="', "<img src='", '<img srcset=",', ',', ' ', '<!--', '<script>', '</script', '<a b=', '<a ="', 'url(', 'url("', '@import ', '<title', '& ', '<img srcset="a,']) {
    const text = part.repeat(400_000)
    assert.ok(loadedByPage(text).urls.length + loadedByStyle(text).length <= 400_000, part)
  }
})
