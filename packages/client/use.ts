// Nobody runs this: the types say what a page may write, and what not.

import { ready, register, type Revisit, type State } from './index.js'

const revisit: Revisit = await ready()
const again: Promise<Revisit> = register(new URL('/revisit/client.js', location.href))
const state: State = revisit.state
revisit.addEventListener('updateready', () => void revisit.update())
revisit.addEventListener('progress', ({ detail }) => console.log(detail.done / detail.total))
revisit.addEventListener('failed', ({ detail }) => console.log(detail.reason, detail.status, state, again))
void window.revisit?.check().then(() => window.revisit?.build.length)
void revisit.prefetch?.(['/api/list.json'], { top: 9, follow: [{ pointer: '/*/picture' }] }).then(({ had }) => had + 1)
void revisit.saved?.().then((pages) => pages[0]?.title)
// @ts-expect-error no such event
revisit.addEventListener('done', () => {})
// @ts-expect-error the page client says it, and nobody else
revisit.state = 'failed'
