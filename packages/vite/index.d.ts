import type { Plugin } from 'vite'

export interface Options {
  /** Path of the program `revisit`. Default: `$REVISIT`, `node_modules/.bin/revisit`, or what the `PATH` has. */
  binary?: string
  /** Path of a `revisit.toml`. Default: that of Vite's root, if there is one. */
  config?: string
  /** File name of the worker, as `[worker] name`. Default `sw.js`. */
  worker?: string
  /** More words for `revisit build`. */
  args?: string[]
}

export default function revisit(options?: Options): Plugin
