/** What the page client has said last. */
export type State = '' | 'installing' | 'installed' | 'updateready' | 'failed'

/** Why something could not be had as it should. */
export interface Reason {
  reason: string
  url?: string
  status?: number
}

/** Events of `window.revisit` by their names; each is a `CustomEvent` with this detail. */
export interface Events {
  /** A worker is being installed for the first time, or a newer build. */
  installing: undefined
  /** The shell is there: the site starts offline. */
  installed: undefined
  /** A newer build than this page's is at hand: `update()` takes it. */
  updateready: undefined
  failed: Reason & { error?: string }
  /** In bytes. */
  progress: { build: string; done: number; total: number }
  /** Every file is there that is kept ahead of time. */
  complete: { build: string }
  /** The site works, but somebody should look. */
  degraded: Reason
  online: undefined
  offline: undefined
}

/** `window.revisit`, which the page client of a build makes. */
export interface Revisit extends Omit<EventTarget, 'addEventListener' | 'removeEventListener'> {
  readonly state: State
  /** The build that this page was loaded with; empty until the worker has said it. */
  readonly build: string
  /** Is every file here that is kept ahead of time? */
  readonly complete: boolean
  readonly registration: ServiceWorkerRegistration | undefined
  /** Is there a network at all? */
  readonly online: boolean
  /** Asks the server for a newer build; `updateready` follows if there is one. */
  check(): Promise<void>
  /** Lets the build that waits take over, then loads this page anew. */
  update(): Promise<void>
  addEventListener<Name extends keyof Events>(
    name: Name,
    listener: (event: CustomEvent<Events[Name]>) => void,
    options?: boolean | AddEventListenerOptions,
  ): void
  removeEventListener<Name extends keyof Events>(
    name: Name,
    listener: (event: CustomEvent<Events[Name]>) => void,
    options?: boolean | EventListenerOptions,
  ): void
}

/** Settles when the page client is there; never on a server, nor in a page without it. */
export function ready(): Promise<Revisit>

/** Loads the page client into a page that a build has left alone (`[worker] inject = false`). */
export function register(client: string | URL): Promise<Revisit>

declare global {
  interface Window {
    revisit?: Revisit
  }
  interface WindowEventMap {
    /** `window.revisit` is there. */
    revisit: Event
  }
}
