/** The worker's file name, written in by the generator. */
declare const WORKER: string

/** How often a page that stays open asks for a newer build, in milliseconds; 0: never. */
declare const CHECK_MS: number
