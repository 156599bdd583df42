// Workbox's part of the benchmarks: `generateSW` over every file of a folder.
//
// usage: node workbox-build.mjs SITE WORKER.js [--fallback URL] [--routes]

import { generateSW } from 'workbox-build';

const [site, worker, ...more] = process.argv.slice(2);
const fallback = more[0] === '--fallback' ? more[1] : undefined;

// The three of `cargo xtask bench size`.
const expiring = (path, handler, cacheName, maxEntries, maxAgeSeconds, more) => ({
  urlPattern: new RegExp(`/${path}/`),
  handler,
  options: { cacheName, expiration: { maxEntries, maxAgeSeconds }, ...more },
});
const runtimeCaching = [
  expiring('api', 'NetworkFirst', 'api', 50, 86_400, { networkTimeoutSeconds: 3 }),
  expiring('pictures', 'CacheFirst', 'pictures', 60, 2_592_000),
  expiring('css', 'StaleWhileRevalidate', 'css', 30, 2_592_000),
];

const { count, size, warnings } = await generateSW({
  globDirectory: site,
  globPatterns: ['**/*'],
  globIgnores: [],
  swDest: worker,
  mode: 'production',
  sourcemap: false,
  // Every file, however large, as the other side does it.
  maximumFileSizeToCacheInBytes: 2 ** 40,
  // What Workbox advises for names with a hash: no revision in the list, and no cache-busting.
  dontCacheBustURLsMatching: /\.[0-9a-f]{8}\./,
  ...(fallback && { navigateFallback: fallback }),
  ...(more.includes('--routes') && { runtimeCaching }),
});
for (const warning of warnings) console.error(warning);
console.log(`${count} files, ${size} bytes`);
