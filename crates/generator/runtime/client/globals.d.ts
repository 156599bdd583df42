/** The worker's file name, written in by the generator. */
declare const WORKER: string
