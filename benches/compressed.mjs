// The sizes of some files, added up: as they are, by gzip -9 and by brotli 11, each file by itself.
//
// usage: node compressed.mjs FILE… → {"raw":…,"gzip":…,"brotli":…}

import { readFileSync } from 'node:fs';
import { brotliCompressSync, gzipSync } from 'node:zlib';

const sum = { raw: 0, gzip: 0, brotli: 0 };
for (const path of process.argv.slice(2)) {
  const bytes = readFileSync(path);
  sum.raw += bytes.length;
  sum.gzip += gzipSync(bytes, { level: 9 }).length;
  sum.brotli += brotliCompressSync(bytes).length;
}
console.log(JSON.stringify(sum));
