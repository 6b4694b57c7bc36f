/**
 * Stores that bind a session to the life of Svelte components.
 *
 * @module throughline/svelte
 */

import type { Readable } from "svelte/store";
import type { AnySession, AudioStatus, EventOptions, EventsOf, Handler, Key, SessionStatus, Source, Voiced } from "./bindings.js";

export type { AnySession, AudioStatus, EventOptions, EventsOf, Handler, Key, SessionStatus, Source, Voiced } from "./bindings.js";

/** A store, or what would be in it. */
type MaybeStore<T> = Readable<T | null | undefined> | T | null | undefined;

/**
 * A store with a session for as long as somebody subscribes to it: `null` on the server and in the first turn, then what `make` made. It is closed when the last
 * subscriber is gone; one that comes in the same turn finds it open.
 *
 * Stores of the same function and the same key share one session. When a store of keys changes, so does the session. `null` from `make` is no session.
 *
 * @example
 * const session = sessionStore(joinRoom, toStore(() => room));   // joinRoom = (room: string) => connect<Events, Commands>({ url: `/rooms/${room}` })
 */
export function sessionStore<S extends AnySession>(make: () => S | null): Readable<S | null>;
export function sessionStore<S extends AnySession, const K extends Key>(make: (key: K) => S | null, key: K | Readable<K>): Readable<S | null>;

/** A store that says where a session stands. */
export function sessionState(session: MaybeStore<AnySession>): Readable<SessionStatus>;

/** A store with the last event or message of a name, `initial` before there is one. A message that equals the last is one more, if it is an object. */
export function eventStore<S extends Source, K extends keyof EventsOf<S>>(source: MaybeStore<S>, name: K): Readable<EventsOf<S>[K] | undefined>;
export function eventStore<S extends Source, K extends keyof EventsOf<S>, T>(source: MaybeStore<S>, name: K, initial: T): Readable<EventsOf<S>[K] | T>;

/**
 * Calls `handler` for each event or message of a name until the component is destroyed, or what it returns is called. To be called while a component is initialised.
 * With `kept`, what came before and nobody has consumed comes first.
 *
 * @example
 * onEvent(session, "AI_MESSAGE", ({ text }) => append(text));
 */
export function onEvent<S extends Source, K extends keyof EventsOf<S>>(source: MaybeStore<S>, name: K, handler: Handler<EventsOf<S>[K]>, options?: EventOptions): () => void;

/** A store that says where the voice of a session of `throughline/voice` stands. What is done with it is done by `session.audio`. */
export function audioStore(session: MaybeStore<Voiced>): Readable<AudioStatus>;
