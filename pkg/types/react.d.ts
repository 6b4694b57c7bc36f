/**
 * Hooks that bind a session to the life of React components.
 *
 * @module throughline/react
 */

import type { AnySession, AudioStatus, EventOptions, EventsOf, Handler, Key, SessionStatus, Source, Voiced } from "./bindings.js";

export type { AnySession, AudioStatus, EventOptions, EventsOf, Handler, Key, SessionStatus, Source, Voiced } from "./bindings.js";

/**
 * A session for as long as the component is mounted: `null` on the server, while hydrating and in the first render, then what `make` made. It is closed when the
 * last component that uses it is gone; one that is mounted again in the same turn, as in StrictMode, finds it open.
 *
 * Components that hand over the same function and the same key share one session. Another `key` is another session; another function alone is not: one written in place
 * is shared with nobody, and not called again when what it closes over changes. Name it, and give it what changes as its key. What `make` throws reaches the nearest error boundary; `null` is no session.
 *
 * @example
 * const joinRoom = (room: string) => connect<Events, Commands>({ url: `/rooms/${room}` });
 *
 * function Room({ room }: { room: string }) {
 *   const session = useSession(joinRoom, room);
 *   const state = useSessionState(session, ({ state }) => state);
 *   useEvent(session, "AI_MESSAGE", ({ text }) => append(text));
 *   return <button onClick={() => session?.send("USER_MESSAGE", { text: "hi" }).catch(console.warn)}>{state}</button>;
 * }
 */
export function useSession<S extends AnySession>(make: () => S | null): S | null;
export function useSession<S extends AnySession, const K extends Key>(make: (key: K) => S | null, key: K): S | null;

/**
 * Where a session stands, or what `select` makes of it. The component renders again when that changes, by `Object.is`: select one member, or what is no object.
 *
 * @example
 * const { state, transport, error } = useSessionState(session);
 * const online = useSessionState(session, ({ state }) => state === "connected");
 */
export function useSessionState(session: AnySession | null | undefined): SessionStatus;
export function useSessionState<T>(session: AnySession | null | undefined, select: (status: SessionStatus) => T): T;

/**
 * Calls the handler of the last render for each event or message of a name, while the component is mounted. With `kept`, what came before and nobody has consumed comes first.
 *
 * @example
 * useEvent(session, "AI_MESSAGE", ({ text }) => append(text));
 * useEvent(session?.audio, "level", ({ level }) => (meter.current!.value = level));
 */
export function useEvent<S extends Source, K extends keyof EventsOf<S>>(source: S | null | undefined, name: K, handler: Handler<EventsOf<S>[K]>, options?: EventOptions): void;

/**
 * Where the voice of a session of `throughline/voice` stands, or what `select` makes of it. What is done with it is done by `session.audio`.
 *
 * @example
 * const { state, userMuted } = useAudio(session);
 * const speaking = useAudio(session, ({ isAgentSpeaking }) => isAgentSpeaking);
 */
export function useAudio(session: Voiced | null | undefined): AudioStatus;
export function useAudio<T>(session: Voiced | null | undefined, select: (status: AudioStatus) => T): T;
