// Runs the public suite of tests for HTTP caches (cache-tests.fyi) with its own client.
//
//     node run.mjs SUITE BASE shared|private
//
// SUITE is the folder of the suite, in the layout of its npm package or of its repository; BASE is the
// URL of the cache that stands before the suite's server. Prints one JSON array with a case each: what
// the suite says of it, and its result (`true`, or the name and the words of an error). Which verdict
// follows from that is judged in `xtask/src/conformance/verdict.rs`.

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [suite, base, profile] = process.argv.slice(2);
const root = resolve(suite);
const today = existsSync(join(root, 'test-engine'));
const load = (path) => import(pathToFileURL(join(root, path)).href);

const { default: suites } = await load('tests/index.mjs');
const { runTests, getResults } = await load(
  today ? 'test-engine/client/runner.mjs' : 'client/runner.mjs',
);

const browser = profile === 'private';
if (today) {
  await runTests(suites, browser, base);
} else {
  // The package's client wants the `fetch` that it was written for.
  const fetch = createRequire(join(root, 'cli.mjs'))('node-fetch');
  await runTests(suites, fetch, browser, base);
}

const results = getResults();
const cases = suites.flatMap(({ id: suiteId, tests }) =>
  tests
    .filter(({ id }) => id in results)
    .map(({ id, kind = 'required', depends_on: dependsOn = [] }) => ({
      id,
      suite: suiteId,
      kind,
      depends_on: dependsOn,
      result: results[id],
    })),
);
process.stdout.write(JSON.stringify(cases), () => process.exit(0));
