// What in a document is worth fetching too, by rules that may be anybody's.

import assert from 'node:assert/strict'
import test from 'node:test'

globalThis.self = { registration: { scope: 'https://site.example/shop/' } }
const { follow, pointed, resolve, rulesOf } = await import('./follow.js')

const list = { products: [{ pic: 'a' }, { pic: 'b', 'x/y': { 'm~n': 'c' } }, 5, null], '': 'e', more: { one: 'f' } }

test('a pointer leads where RFC 6901 says, and a star to each', () => {
  for (const [pointer, expected] of [
    ['', [list]],
    ['/products/0/pic', ['a']],
    ['/products/*/pic', ['a', 'b']],
    ['/products/1/x~1y/m~0n', ['c']],
    ['/products/-/pic', []],
    ['/products/00/pic', []],
    ['/', ['e']],
    ['/more/*', ['f']],
    ['/*/one', ['f']],
    ['/none/*/x', []],
    ['/constructor', []],
    ['/__proto__/x', []],
  ]) {
    assert.deepEqual(pointed(list, pointer), expected, pointer)
  }
})

test('a deep pointer of stars looks at each value once at the most', () => {
  const wide = Array.from({ length: 1000 }, () => Array.from({ length: 100 }, () => ['x']))
  assert.equal(pointed(wide, '/*'.repeat(3)).length, 100_000)
  assert.equal(pointed(wide, '/*'.repeat(5000)).length, 0)
})

test('only what can be fetched is a URL', () => {
  for (const [written, expected] of [
    ['a.jpg', 'https://site.example/shop/a.jpg'],
    ['/a?b#c', 'https://site.example/a?b'],
    ['//other.example', 'https://other.example/'],
    ['data:,a', undefined],
    ['javascript:1', undefined],
    ['http://', undefined],
    ['/' + 'a'.repeat(9000), undefined],
  ]) {
    assert.equal(resolve(written, 'https://site.example/shop/page'), expected)
  }
})

/** @type {(rules: any, body: string, type?: string, url?: string, depth?: number) => Promise<string[]>} */
const found = (rules, body, type = 'application/json', url = 'https://site.example/api/1.json', depth = 0) =>
  follow(url, new Response(body, { headers: { 'content-type': type } }), rulesOf(rules), depth)

test('rules apply to the URLs that they name, so far as they say', async () => {
  const body = '{"pic": "a.jpg"}'
  const expected = ['https://site.example/api/a.jpg']
  const pointer = '/pic'
  assert.deepEqual(await found([{ pointer }], body), expected)
  assert.deepEqual(await found([{ pointer, from: '/api/*' }], body), expected)
  assert.deepEqual(await found([{ pointer, from: ['/x', 'https://site.example/api/**'] }], body), expected)
  assert.deepEqual(await found([{ pointer, from: '/other/*' }], body), [])
  assert.deepEqual(await found([{ pointer }], body, 'text/plain', undefined, 1), [])
  assert.deepEqual(await found([{ pointer, depth: 2 }], body, 'text/plain', undefined, 1), expected)
  // a pattern of paths is of this origin
  assert.deepEqual(await found([{ pointer, from: '/api/*' }], body, '', 'https://other.example/api/1'), [])
  assert.deepEqual(await found([{ pointer: '/pic' }, { pointer: '/*' }], body), expected)
  // the document itself is no news
  assert.deepEqual(await found([{ pointer: '/x' }], '{"x": "1.json"}'), [])
})

test('html is looked through as html, css as css, and neither as the other', async () => {
  const html = '<base href=/b/><img src=a><script src=https://cdn.example/x.js></script>'
  assert.deepEqual(await found([{ html: true }], html, 'text/html; charset=utf-8'), ['https://site.example/b/a', 'https://cdn.example/x.js'])
  assert.deepEqual(await found([{ html: true }], 'a { b: url(c) }', 'text/css'), ['https://site.example/api/c'])
  assert.deepEqual(await found([{ html: true }], html, 'text/plain'), [])
  assert.deepEqual(await found([{ html: true }], html, ''), [])
})

test('a rule says nothing of what is not of its kind', async () => {
  const both = [{ html: true }, { pointer: '/*/picture' }]
  assert.deepEqual(await found(both, '<img src=/a.jpg>', 'text/html'), ['https://site.example/a.jpg'])
  assert.deepEqual(await found(both, 'a { b: url(c) }', 'text/css'), ['https://site.example/api/c'])
  assert.deepEqual(await found(both, '[{"picture": "d.jpg"}]'), ['https://site.example/api/d.jpg'])
  assert.deepEqual(await found(both, 'no list'.repeat(1 << 20), 'image/jpeg'), [])
})

test('what cannot be looked through says why', async () => {
  await assert.rejects(found([{ pointer: '/a' }], '{"a":'), { message: 'json' })
  await assert.rejects(found([{ pointer: '/a' }], ' '.repeat((4 << 20) + 1)), { message: 'large' })
})

test('rules of the wrong shape are none', () => {
  for (const rules of [undefined, null, 5, 'x', {}, [null], [5], [{}], [{ pointer: 5 }], [{ html: 'yes' }]]) {
    assert.deepEqual(rulesOf(rules), [])
  }
  assert.equal(rulesOf(Array(1000).fill({ html: true })).length, 20)
  assert.equal(rulesOf([{ html: true, depth: 1e9 }])[0].depth, 5)
  assert.deepEqual(rulesOf([{ html: true, from: [5, null, '/a'] }])[0].from, ['/a'])
})

test('code of the site’s own says more', async () => {
  globalThis.self.revisitFollow = async (response, url, depth) => [`${(await response.json()).id}?${depth}`, 5, url]
  assert.deepEqual(await found([], '{"id": 7}'), ['https://site.example/api/7?0'])
  globalThis.self.revisitFollow = () => {
    throw new Error('own fault')
  }
  await assert.rejects(found([], ''), { message: 'own fault' })
  delete globalThis.self.revisitFollow
})
