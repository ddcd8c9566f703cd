// Types of catchup.js, for pusher-js 7 and later.

/** A place in the events of a channel: after the event with number seq. */
export interface Position {
  epoch: string
  seq: number
}

export interface HistoryEvent<Data = unknown> {
  name: string
  data: Data
  seq: number
}

/** The part of a channel of pusher-js that is used. */
export interface Channel {
  subscribed: boolean
  bind_global(callback: (name: string, data: any) => void): unknown
  unbind_global(callback?: (name: string, data: any) => void): unknown
  bind(name: string, callback: (data: any) => void): unknown
  unbind(name?: string, callback?: (data: any) => void): unknown
}

/** The part of a client of pusher-js that is used. */
export interface Client<C extends Channel = Channel> {
  subscribe(channelName: string): C
  unsubscribe(channelName: string): void
}

export interface Options<Data = unknown> {
  /** URL of Store.Handler, relative to the page or absolute. */
  url: string
  /** Where to continue: the position with which the page was rendered. By default events from now on are delivered. */
  position?: Position
  /** Called once for each event, in order. */
  onEvent: (event: HistoryEvent<Data>) => void
  /**
   * Called if events are lost, because they were deleted or a backup was restored. Load the state again,
   * and return its position; without one, events after the given position follow.
   */
  onReload: (newest: Position) => void | Position | Promise<void | Position>
  /** Called for failed requests, which are repeated, except after status 403 and 404. The default writes to the console. */
  onError?: (error: unknown) => void
  /** Options for fetch, such as headers. The default for credentials is "same-origin". */
  request?: RequestInit
  /** Maximum random delay before the request after a reconnection, in milliseconds; 1000 by default. */
  jitter?: number
}

export interface CatchUp<C extends Channel = Channel> {
  readonly channel: C
  /** After the event that was delivered last; null before the handler has responded without a given position. */
  readonly position: Position | null
  /** Ends the subscription and all requests. */
  close(): void
}

/** Subscribes to a channel with history, and delivers each of its events once and in order. */
export function catchUp<Data = unknown, C extends Channel = Channel>(
  pusher: Client<C>,
  channelName: string,
  options: Options<Data>,
): CatchUp<C>
