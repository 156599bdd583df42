// Vite's part: `revisit build` over what a build wrote, and in development a worker that keeps nothing.

import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

/**
 * @param {import('./index.d.ts').Options} [options]
 * @returns {import('vite').Plugin}
 */
export default function revisit({ binary, config, worker, args = [] } = {}) {
  /** @type {import('vite').ResolvedConfig} */
  let vite
  let wrote = false
  return {
    name: 'revisit',
    configResolved(resolved) {
      vite = resolved
    },
    configureServer(server) {
      const path = (vite.base.startsWith('/') ? vite.base : '/') + (worker ?? 'sw.js')
      server.middlewares.use((request, response, next) => {
        if (request.url?.split('?')[0] !== path) return next()
        response.setHeader('content-type', 'text/javascript')
        response.setHeader('cache-control', 'no-cache')
        response.end(readFileSync(new URL('dev-worker.js', import.meta.url)))
      })
    },
    writeBundle() {
      wrote = true
    },
    closeBundle: {
      order: 'post',
      sequential: true,
      // a bundle for the server, and one that came to nothing, are no site
      async handler() {
        if (!wrote || vite.command !== 'build' || vite.build.ssr) return
        wrote = false
        await build()
      },
    },
  }

  async function build() {
    const found = config ? resolve(vite.root, config) : join(vite.root, 'revisit.toml')
    const own = config || existsSync(found)
    // Flags have no word for the base: without a config of the site's there is one for this run.
    const made = own ? undefined : mkdtempSync(join(tmpdir(), 'revisit-vite-'))
    if (made) writeFileSync(join(made, 'revisit.toml'), base(vite.base))
    const words = ['build', resolve(vite.root, vite.build.outDir), '--config', made ? join(made, 'revisit.toml') : found]
    if (worker) words.push('--worker-name', worker)
    words.push(...args)
    try {
      await run(program(), words)
    } finally {
      if (made) rmSync(made, { recursive: true })
    }
  }

  function program() {
    const beside = join(vite.root, 'node_modules', '.bin', 'revisit')
    return binary || process.env.REVISIT || (existsSync(beside) ? beside : 'revisit')
  }
}

/**
 * Vite's `base` as a config: a path, the URL of a CDN, or `./` for wherever it lies.
 *
 * @param {string} base
 */
function base(base) {
  if (/^([a-z]+:)?\/\//i.test(base)) {
    const cdn = base.startsWith('//') ? `https:${base}` : base
    return `[site]\ncdn = ${JSON.stringify(cdn)}\n`
  }
  return base.startsWith('/') ? `[site]\nbase = ${JSON.stringify(base)}\n` : ''
}

/**
 * @param {string} program
 * @param {string[]} words
 * @returns {Promise<void>}
 */
function run(program, words) {
  return new Promise((done, fail) => {
    const child = spawn(program, words, { stdio: 'inherit' })
    child.on('error', (error) => {
      fail(new Error(`cannot run \`${program}\`: ${error.message}; install it, or name it by the option \`binary\``))
    })
    child.on('exit', (code, signal) => {
      if (code === 0) done()
      else fail(new Error(`\`revisit build\` ended with ${signal || `status ${code}`}`))
    })
  })
}
