// The rules that live twice answer the same cases here and in Rust.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'

import { matches } from './pattern.js'
import { find, stem, urlPath } from './route.js'

globalThis.self = { registration: { scope: 'https://site.example/' } }
const { routeFor } = await import('./routing.js')

/** @param {string} name */
const vectors = (name) =>
  JSON.parse(readFileSync(new URL(`../../../../tests/vectors/${name}.json`, import.meta.url), 'utf8'))

test('a URL path finds the file that the Rust rule finds', () => {
  const { find: cases, url } = vectors('route')
  for (const { path, files, found } of cases) {
    const answer = find(path, (file) => files.includes(file))
    const text = answer ? (answer.elsewhere ? `redirect ${urlPath(answer.file)}` : answer.file) : null
    assert.equal(text, found, `${path} in ${files}`)
  }
  for (const { file, url: expected } of url) assert.equal(urlPath(file), expected)
})

test('a file has the stem that the Rust rule gives it', () => {
  for (const [file, expected] of vectors('route').stem) assert.equal(stem(file), expected, file)
})

test('a pattern matches what the Rust rule matches', () => {
  for (const { pattern, yes, no } of vectors('pattern')) {
    for (const path of yes) assert.ok(matches(pattern, path), `${pattern} should match ${path}`)
    for (const path of no) assert.ok(!matches(pattern, path), `${pattern} should not match ${path}`)
  }
})

test('a pattern of many stars takes no exponential time', () => {
  const pattern = '**/*a'.repeat(20) + 'b'
  assert.equal(matches(pattern, 'a/'.repeat(2000)), false)
})

test('a request finds the route that the Rust rule finds', () => {
  const { home, cases } = vectors('routing')
  for (const { routes, requests } of cases) {
    for (const [url, method, destination, expected] of requests) {
      const found = routes.indexOf(routeFor({ url, method, destination }, routes, home))
      assert.equal(found < 0 ? null : found, expected, `${method} ${url} for ${destination}`)
    }
  }
})
