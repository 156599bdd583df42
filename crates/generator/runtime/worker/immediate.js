// Update mode `immediate`: a worker takes over as soon as its generation is whole. Open pages
// keep the build that they were loaded with.

import { worker } from './global.js'

export const immediate = () => worker.skipWaiting()
