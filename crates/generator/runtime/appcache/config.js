// What the generator writes in place of this module. These values serve the tests and the type checker.

/**
 * @typedef {object} Config
 * @property {string} site Names the caches, beside the scope: two sites of one scope stay apart.
 * @property {import('./parse.js').Profile & Leniency} profile
 * @property {number} stallMs How long a request may stay silent, in milliseconds.
 * @property {boolean} seizes For `serve`: another site's worker at the same address is replaced at once.
 *
 * What the compatible profile makes of files that would end an update.
 * @typedef {object} Leniency
 * @property {boolean} [typeWidensPath] Served with its own type, a manifest may name any namespace of its origin.
 * @property {boolean} [skipsNoStore] A listed file that says `no-store` is left out.
 * @property {boolean} [takesOpaque] Files of other origins that let nobody read them are taken unseen.
 */

/** @type {Config} */
export const config = { site: '', profile: {}, stallMs: 30_000, seizes: false }
