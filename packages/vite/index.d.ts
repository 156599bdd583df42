import type { Plugin } from 'vite'

export interface Options {
  /** Path of the program `revisit`. Default: `$REVISIT`, `node_modules/.bin/revisit`, or what the `PATH` has. */
  binary?: string
  /** Path of a `revisit.toml`. Default: that of Vite's root, if there is one. */
  config?: string
  /**
   * File name of the worker. Default: `[worker] name` of the config, or `sw.js`. Where the config names
   * another, name it here too for development.
   */
  worker?: string
  /** More words for `revisit build`. */
  args?: string[]
}

export default function revisit(options?: Options): Plugin
