/**
 * Composables that bind a session to the life of Vue components.
 *
 * @module throughline/vue
 */

import type { ComputedRef, MaybeRefOrGetter, ShallowRef } from "vue";
import type { AnySession, AudioStatus, EventOptions, EventsOf, Handler, Key, SessionStatus, Source, Voiced } from "./bindings.js";

export type { AnySession, AudioStatus, EventOptions, EventsOf, Handler, Key, SessionStatus, Source, Voiced } from "./bindings.js";

/** A ref for each member. */
export type Refs<T> = { readonly [K in keyof T]: ComputedRef<T[K]> };

/**
 * A session for as long as the component, or the effect scope, lives: `null` on the server and until the component is mounted, then what `make` made. It is closed
 * when the last one that uses it is gone; one that comes in the same turn finds it open. Where there is no component, as in a scope of your own, there is a session at once.
 *
 * Whoever hands over the same function and the same key shares one session. When `key` changes, so does the session. `null` from `make` is no session.
 *
 * @example
 * const props = defineProps<{ room: string }>();
 * const session = useSession(joinRoom, () => props.room);   // joinRoom = (room: string) => connect<Events, Commands>({ url: `/rooms/${room}` })
 * const { state, transport } = useSessionState(session);
 * useEvent(session, "AI_MESSAGE", ({ text }) => append(text));
 */
export function useSession<S extends AnySession>(make: () => S | null): Readonly<ShallowRef<S | null>>;
export function useSession<S extends AnySession, K extends Key>(make: (key: K) => S | null, key: MaybeRefOrGetter<K>): Readonly<ShallowRef<S | null>>;

/** Where a session stands: a ref for each thing, which changes by itself. */
export function useSessionState(session: MaybeRefOrGetter<AnySession | null | undefined>): Refs<SessionStatus>;

/**
 * Calls `handler` for each event or message of a name, while the component or the scope lives. With `kept`, what came before and nobody has consumed comes first.
 *
 * @example
 * useEvent(session, "AI_MESSAGE", ({ text }) => append(text));
 * useEvent(() => session.value?.audio, "level", ({ level }) => (meter.value!.value = level));
 */
export function useEvent<S extends Source, K extends keyof EventsOf<S>>(source: MaybeRefOrGetter<S | null | undefined>, name: K, handler: Handler<EventsOf<S>[K]>, options?: EventOptions): void;

/** Where the voice of a session of `throughline/voice` stands. What is done with it is done by `session.value.audio`. */
export function useAudio(session: MaybeRefOrGetter<Voiced | null | undefined>): Refs<AudioStatus>;
