/** The worker's URL path, written in by the generator. */
declare const WORKER: string
/** The path that it answers for. */
declare const SCOPE: string
/** The attribute of the root element that names the manifest. */
declare const ATTRIBUTE: string
