// The worker of `cargo xtask bench code-cache`: each way keeps the same scripts in its own manner.
//
// WAYS and NAMES stand before this text. What a way's name says is done: `clone`, a clone is read to
// its end and hashed first; `key`, the entry's URL is not the script's; `loaded`, the bytes come from the
// HTTP cache, where the page left them; `bytes`, a response of our own is put; `slice`, all lie in one.

const OTHER = '/revisit/d/0123456789abcdef'
const TYPE = { headers: { 'content-type': 'text/javascript' } }
const key = (url) => (url.includes('key') ? OTHER + url : url)

const put = async (cache, url) => {
  const from = url.includes('loaded') ? { cache: 'only-if-cached', mode: 'same-origin' } : {}
  const response = await fetch(url, from)
  if (!response.ok) throw new Error(url)
  if (url.startsWith('/bytes/')) return cache.put(url, new Response(await response.arrayBuffer(), TYPE))
  if (url.includes('clone')) await crypto.subtle.digest('SHA-256', await response.clone().arrayBuffer())
  return cache.put(key(url), response)
}

const putAll = async () => {
  const cache = await caches.open('kept')
  for (const way of WAYS) {
    if (way !== 'slice') for (const name of NAMES) await put(cache, `/${way}/${name}`)
  }
  const parts = await Promise.all(NAMES.map((name) => fetch(`/slice/${name}`).then((response) => response.blob())))
  await cache.put('/sizes', Response.json(parts.map((part) => part.size)))
  await cache.put('/pack', new Response(new Blob(parts)))
}

let slices
const cut = async () => {
  const sizes = await (await caches.match('/sizes')).json()
  const pack = await (await caches.match('/pack')).blob()
  let at = 0
  return new Map(NAMES.map((name, index) => [name, pack.slice(at, (at += sizes[index]))]))
}

const answer = async (way, name) => {
  if (way === 'slice') return new Response((await (slices ||= cut())).get(name), TYPE)
  return (await caches.open('kept')).match(key(`/${way}/${name}`))
}

addEventListener('message', (event) => {
  const done = putAll().catch((error) => `${error}`)
  event.waitUntil(done.then((error) => event.ports[0].postMessage(error)))
})
addEventListener('fetch', (event) => {
  const [, way, name] = new URL(event.request.url).pathname.split('/')
  if (WAYS.includes(way)) event.respondWith(answer(way, name))
})
