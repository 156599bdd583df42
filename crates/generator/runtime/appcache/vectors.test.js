// The worker's rules and its update process answer the cases that the Rust engine answers: those of
// `tests/vectors`, or of the file that `REVISIT_APPCACHE_VECTORS` names.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'

import { parse } from './parse.js'
import { navigation, subresource } from './rules.js'
import { World } from './testing/world.js'

const committed = (name) => new URL(`../../../../tests/vectors/${name}.json`, import.meta.url)
const named = process.env.REVISIT_APPCACHE_VECTORS
const files = named ? [named] : ['appcache-vectors', 'appcache-own'].map(committed)
const given = files.map((file) => JSON.parse(readFileSync(file, 'utf8')))
/** @type {Record<string, any[]>} */
const vectors = Object.fromEntries(
  ['parser', 'matching', 'scenario'].map((kind) => [kind, given.flatMap((cases) => cases[kind])]),
)

/** The profiles have the names of the Rust engine, and its switches; those of files are the worker's. */
function profileOf(given = {}) {
  if (given === 'compat') return { schemeWildcards: true, typeWidensPath: true, skipsNoStore: true }
  if (given === 'same-origin-https') return { crossOriginHttpsExplicit: false }
  assert.ok(given === 'standard' || typeof given === 'object')
  return given === 'standard' ? {} : given
}

const asBytes = ({ manifest, manifest_b64 }) =>
  manifest_b64 ? Buffer.from(manifest_b64, 'base64') : new TextEncoder().encode(manifest)

for (const vector of vectors.parser) {
  const { id, note, manifest_url, expect } = vector
  test(`${id}: ${note}`, () => {
    const found = parse(asBytes(vector), manifest_url, profileOf(vector.profile))
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

/**
 * What the network would answer, as the test in Rust reads it: a status, a failure, a load that the user cancels, or
 * a redirect with or without its target. `away`: to another origin, which for a navigation is no failure.
 */
function outcome(net, asked) {
  const word = `${net}`
  if (/^\d+$/.test(word)) return { passed: 'network', failed: +word >= 400, away: false }
  if (/cancel|abort/.test(word)) return { passed: 'error', failed: false, away: false }
  if (/redirect|30/.test(word)) {
    const [, to] = /:(.*)/s.exec(word) || []
    const away = to ? new URL(to.trim(), asked).origin !== new URL(asked).origin : !word.includes('same')
    return { passed: 'network', failed: false, away }
  }
  assert.match(word, /err|offline|timeout|dns|refused/)
  return { passed: 'error', failed: true, away: false }
}

test('words for what the network does are read as in Rust', () => {
  const url = 'http://example.com/x'
  const check = (net, passed, failed, away) => assert.deepEqual(outcome(net, url), { passed, failed, away }, net)
  check('200', 'network', false, false)
  check('404', 'network', true, false)
  check(503, 'network', true, false)
  for (const word of ['neterr', 'offline', 'dns-failure', 'timeout']) check(word, 'error', true, false)
  check('user-cancel', 'error', false, false)
  check('cross-origin-redirect', 'network', false, true)
  check('same-origin-redirect', 'network', false, false)
  check('302: http://other.example/', 'network', false, true)
  check('redirect:/y', 'network', false, false)
  assert.throws(() => outcome('sunny', url))
})

for (const vector of vectors.matching) {
  const { id, note, manifest_url, master_entries = [], foreign = [], requests } = vector
  test(`${id}: ${note}`, () => {
    const cache = { manifest: manifest_url, ...parse(asBytes(vector), manifest_url, profileOf(vector.profile)) }
    const targets = cache.fallback.map(([, target]) => target)
    const entries = new Set([manifest_url, ...cache.explicit, ...targets, ...master_entries])
    const isForeign = (url) => foreign.includes(url)
    const answer = ({ method, kind, url, net }) => {
      const bare = url.replace(/#.*/, '')
      const { passed, failed, away } = outcome(net, url)
      if (kind === 'subresource') {
        const { by, target } = subresource(cache, method, bare, entries.has(bare))
        if (by === 'cache') return by
        if (by === 'nobody') return 'error'
        return target && (failed || away) ? `fallback:${target}` : passed
      }
      const has = (which) => {
        const target = method === 'GET' ? navigation[which](cache, bare, isForeign) : undefined
        return entries.has(target) ? target : undefined
      }
      if (has('cached') || (failed && has('preferOnline'))) return 'cache'
      return failed && has('fallback') ? `fallback:${has('fallback')}` : passed
    }
    for (const request of requests) assert.equal(answer(request), request.expect, JSON.stringify(request))
  })
}

for (const { id, title, steps, profile } of vectors.scenario) {
  test(`${id}: ${title}`, async () => {
    const { visit } = steps.find(({ visit }) => visit)
    const world = new World({ scope: new URL('/', visit).href, profile: profileOf(profile) })
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
        await world.tick(3000)
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
