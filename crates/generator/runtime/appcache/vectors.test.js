// The worker's rules and its update process answer the cases that the Rust engine answers: those of
// `tests/vectors`, or of the file that `REVISIT_APPCACHE_VECTORS` names.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'

import { parse } from './parse.js'
import { comesFirst, subresource, substitute } from './rules.js'
import { World } from './testing/world.js'

const committed = (name) => new URL(`../../../../tests/vectors/${name}.json`, import.meta.url)
const named = process.env.REVISIT_APPCACHE_VECTORS
const vectors = JSON.parse(readFileSync(named || committed('appcache-vectors'), 'utf8'))

for (const { id, note, manifest_url, manifest, manifest_b64, profile, expect } of vectors.parser) {
  test(`${id}: ${note}`, () => {
    const bytes = manifest_b64 ? Buffer.from(manifest_b64, 'base64') : new TextEncoder().encode(manifest)
    const found = parse(bytes, manifest_url, profile)
    assert.equal(!!found, expect.ok)
    if (!found) return
    assert.deepEqual(found.explicit, expect.explicit)
    assert.deepEqual(found.fallback, expect.fallback)
    assert.deepEqual(found.network, expect.network)
    assert.equal(found.wildcard, expect.network_wildcard)
    assert.equal(found.mode, expect.cache_mode)
    // Which lines have no effect is the rule; our words for the reasons are those of the committed cases.
    const lines = (list) => list.map(({ line }) => line)
    assert.deepEqual(lines(found.ignored), lines(expect.ignored))
    if (!named) assert.deepEqual(found.ignored, expect.ignored)
  })
}

for (const { id, note, manifest_url, manifest, master_entries = [], foreign = [], requests } of vectors.matching) {
  test(`${id}: ${note}`, () => {
    const cache = { manifest: manifest_url, ...parse(new TextEncoder().encode(manifest), manifest_url) }
    const targets = cache.fallback.map(([, target]) => target)
    const entries = new Set([manifest_url, ...cache.explicit, ...targets, ...master_entries])
    const isForeign = (url) => foreign.includes(url)
    for (const { method, kind, url, net, expect } of requests) {
      const bare = url.replace(/#.*/, '')
      const held = entries.has(bare)
      const passed = net === 'neterr' ? 'error' : 'network'
      const lost = net === 'neterr' || net === 'cross-origin-redirect' || +net >= 400
      let found
      if (kind === 'subresource') {
        const { by, target } = subresource(cache, method, bare, held)
        found = by === 'nobody' ? 'error' : by === 'cache' ? 'cache' : target && lost ? `fallback:${target}` : passed
      } else if (method === 'GET' && held && comesFirst(cache, isForeign(bare))) {
        found = 'cache'
      } else {
        const target = method === 'GET' && lost ? substitute(cache, bare, held, isForeign) : undefined
        found = !target ? passed : target === bare ? 'cache' : `fallback:${target}`
      }
      assert.equal(found, expect, `${method} ${kind} ${url}, where the network says ${net}`)
    }
  })
}

for (const { id, title, steps } of vectors.scenario) {
  test(`${id}: ${title}`, async () => {
    const world = new World()
    /** @type {Record<string, any>} */
    const pages = {}
    const check = (expect, page, seen = {}) => {
      if ('served_from' in expect) assert.equal(seen.from, expect.served_from)
      if ('body' in expect) assert.equal(seen.body, expect.body)
      if ('events' in expect) assert.deepEqual(page.events.splice(0), expect.events)
      if ('status' in expect) assert.equal(page.status, expect.status)
    }
    for (const step of steps) {
      if (step.set) for (const [url, answer] of Object.entries(step.set)) world.put(url, answer)
      if ('offline' in step) world.offline = step.offline
      if (step.advance) world.now += step.advance * 1000
      if (step.close) world.pages.delete(pages[step.close].id)
      if (step.visit) {
        const seen = await world.visit(step.visit, step.method)
        pages[step.as] = seen.page
        check(step.expect, seen.page, seen)
      }
      if (step.fetch) check(step.expect, pages[step.by], await world.load(step.fetch, pages[step.by], step.method))
      if (step.observe) check(step.expect, pages[step.observe])
      if (step.rerun) {
        await world.tick(2000)
        check(step.expect, pages[step.rerun])
      }
      if (step.call) {
        const page = pages[step.on]
        assert.equal(await world.call(page, step.call), step.expect.throws ?? null)
        check(step.expect, page)
      }
    }
  })
}

test('the manifests of real sites are read as they were by others', () => {
  const { manifests } = JSON.parse(readFileSync(committed('appcache-realworld'), 'utf8'))
  for (const { id, assumed_manifest_url, manifest, summary } of manifests) {
    const found = parse(new TextEncoder().encode(manifest), assumed_manifest_url)
    if (!summary.ok) {
      assert.equal(found, undefined, id)
      continue
    }
    const counts = ['explicit', 'fallback', 'network', 'ignored'].map((part) => [part, found[part].length])
    const seen = { ok: true, ...Object.fromEntries(counts), network_wildcard: found.wildcard, cache_mode: found.mode }
    assert.deepEqual(seen, summary, id)
  }
})

test('a megabyte of spaces, colons or newlines is read at once', () => {
  for (const text of [' ', ':', '\n', '\r', 'a ', ' a', '\t#', 'a/ b/\n', '\u{FEFF}']) {
    const whole = `CACHE MANIFEST\nFALLBACK:\n${text.repeat((1 << 20) / text.length)}a`
    assert.ok(parse(new TextEncoder().encode(whole), 'http://example.com/'))
  }
})
