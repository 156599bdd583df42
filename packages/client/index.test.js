import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

const read = (path) => readFileSync(new URL(path, import.meta.url), 'utf8')

/**
 * @param {string} module Of the page client.
 * @param {string} of The class in it.
 * @param {string} by The interface that tells its members.
 */
function sameMembers(module, of, by) {
  const client = read(`../../crates/generator/runtime/client/${module}`)
  const [, body] = new RegExp(`class ${of} extends \\w+ \\{([^]*?)\\n\\}`).exec(client)
  const has = [...body.matchAll(/^ {2}(?:get |async )?([a-z]\w*)(?:\(| =|$)/gim)].map(([, name]) => name)
  const [, types] = new RegExp(`interface ${by}\\b[^{]*\\{([^]*?)\\n\\}`).exec(read('index.d.ts'))
  const named = [...types.matchAll(/^ {2}(?:readonly )?([a-z]\w*)[(:]/gim)].map(([, name]) => name)
  assert.ok(named.length > 4, `${named}`)
  for (const name of named) assert.ok(has.includes(name), `the page client has no \`${name}\``)
  // `say` is its own business
  for (const name of has) assert.ok(name === 'say' || named.includes(name), `no type for \`${name}\``)
}

test('the types name what the page client has', () => {
  sameMembers('client.js', 'Revisit', 'Revisit')
  sameMembers('prefetch.js', 'PrefetchingRevisit', 'Prefetching')
})

test('the promise waits for the page client, and is kept at once where it is', async () => {
  const { ready } = await import('./index.js')
  const page = new EventTarget()
  Object.assign(globalThis, { window: page, addEventListener: page.addEventListener.bind(page) })
  const client = new EventTarget()
  let found
  const waiting = ready().then((it) => (found = it))
  await Promise.resolve()
  assert.equal(found, undefined)
  window.revisit = client
  page.dispatchEvent(new Event('revisit'))
  assert.equal(await waiting, client)
  assert.equal(await ready(), client)
})
