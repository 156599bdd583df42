// sw-precache's part of the benchmarks: `write` over every file of a folder.
//
// usage: node sw-precache-build.mjs SITE WORKER.js

import swPrecache from 'sw-precache';

const [site, worker] = process.argv.slice(2);

await swPrecache.write(worker, {
  staticFileGlobs: [`${site}/**/*`],
  stripPrefix: `${site}/`,
  replacePrefix: '/',
  // Every file, however large, as the others do it.
  maximumFileSizeToCacheInBytes: 2 ** 40,
  // What it advises for names with a hash, as Workbox does: no cache-busting.
  dontCacheBustUrlsMatching: /\.[0-9a-f]{8}\./,
  logger: () => {},
});
