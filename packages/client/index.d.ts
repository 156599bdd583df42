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

/** What a message may come with. */
export interface How {
  /** Ends it; what was not begun is not fetched. The promise rejects. */
  signal?: AbortSignal
  onprogress?: (progress: { done: number; total: number }) => void
}

/** Which URLs of an answer are fetched too, as `[[prefetch.follow]]` of the config. */
export interface FollowRule {
  pointer?: string
  html?: boolean
  from?: string | string[]
  depth?: number
}

/** What became of URLs that were to be fetched ahead. */
export interface Summary {
  /** URLs that it came to, by following too. */
  total: number
  /** Asked for, and kept. */
  fetched: number
  /** There already, and young. */
  had: number
  /** Not kept, or not looked through; `failed` names the first twenty, with the reason. */
  refused: number
  failed: { url: string; reason: string; status?: number }[]
  /** Beyond the limits, or no URLs. */
  ignored: number
  /** Bytes that were fetched. */
  size: number
  /** Nothing was asked for: the visitor saves data, or the line is slow. */
  held?: boolean
  /** There is no worker: so many were left to `<link rel=prefetch>`. */
  linked?: number
}

/** A page that a visitor keeps. */
export interface SavedPage {
  url: string
  title: string
  /** When, in milliseconds since the epoch. */
  time: number
  /** How much of what it loads could not be had. */
  lacking: number
}

/** What `window.revisit` can besides, on sites with a `[prefetch]` section. */
export interface Prefetching {
  /** `CLEAR`, `CACHE_URLS`, or whatever code of the site's own in the worker understands. */
  send(message: unknown, how?: How): Promise<any>
  /** Has URLs fetched, and what they lead to. */
  prefetch(
    urls: string | Iterable<string | URL | HTMLAnchorElement>,
    how?: How & { tag?: string; follow?: FollowRule[]; top?: number; always?: boolean },
  ): Promise<Summary>
  /** Keeps a page, with what it loads, until `forget`; this one if none is named. */
  save(
    page?: string | URL,
    how?: How & { urls?: string[]; title?: string; follow?: FollowRule[]; tag?: string },
  ): Promise<Summary & { saved: boolean }>
  /** The last saved first. */
  saved(): Promise<SavedPage[]>
  /** Was it saved? */
  forget(page?: string | URL): Promise<boolean>
}

/** `window.revisit`, which the page client of a build makes. */
export interface Revisit
  extends Omit<EventTarget, 'addEventListener' | 'removeEventListener'>, Partial<Prefetching> {
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
