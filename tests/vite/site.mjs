// The plugin in the real Vite: builds a site and serves it for development.
//
// usage: REVISIT=PROGRAM node site.mjs FOLDER → {"built": […files], "dev": "the worker in development"}

import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build, createServer } from 'vite'

import revisit from '../../packages/vite/index.js'

const [root] = process.argv.slice(2)
writeFileSync(
  join(root, 'index.html'),
  '<!doctype html><title>Vite</title><h1>Vite</h1><script type=module src=/main.js></script>',
)
writeFileSync(join(root, 'main.js'), "document.body.dataset.script = 'ran'")

const config = { root, base: '/app/', configFile: false, logLevel: 'error', plugins: [revisit()] }
// a program that is not there is said so
const { REVISIT } = process.env
process.env.REVISIT = join(root, 'nowhere')
const missing = await build(config).then(
  () => '',
  (error) => error.message,
)
process.env.REVISIT = REVISIT
await build(config)
const built = readdirSync(join(root, 'dist'), { recursive: true })

const server = await createServer({ ...config, server: { port: 0, host: '127.0.0.1' } })
await server.listen()
const { port } = server.httpServer.address()
const answer = await fetch(`http://127.0.0.1:${port}/app/sw.js`)
const dev = await answer.text()
const type = answer.headers.get('content-type')
await server.close()

process.stdout.write(`\n${JSON.stringify({ built, dev, type, missing })}\n`)
