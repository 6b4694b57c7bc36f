/** The status where there is no session. @type {import("../../types/bindings.js").SessionStatus} */
export const NO_SESSION = { state: "idle", transport: null, error: undefined };

/** The same of its voice. @type {import("../../types/bindings.js").AudioStatus} */
export const NO_AUDIO = { state: "off", userMuted: false, systemMuted: false, isUserSpeaking: false, isAgentSpeaking: false, playbackBlocked: false };

/** @type {WeakMap<object, { read: () => any, listen: (changed: () => void) => () => void }>} */
const stores = new WeakMap();

/** A session's status. Its error is what caused the last change of state. */
export const statusOf = (session) =>
  watch(session, ["state", "transport"], ({ error }, event) => ({
    state: session.state,
    transport: session.transport,
    error: event && "error" in event ? event.error : error,
  }), NO_SESSION);

/** A voice's status. */
export const audioOf = (audio) =>
  watch(audio, ["state", "muted", "speaking", "playback"], () => Object.fromEntries(Object.keys(NO_AUDIO).map((name) => [name, audio[name]])), NO_AUDIO);

/** What there is to know of something that tells of its changes: a value that is another one after each. One store for all who ask. */
function watch(source, names, look, none) {
  let store = stores.get(source);
  if (store) return store;
  const listeners = new Set();
  let value = look(none);
  for (const name of names) {
    source.on(name, (event) => {
      value = look(value, event);
      for (const changed of listeners) changed();
    });
  }
  store = {
    read: () => value,
    listen(changed) {
      listeners.add(changed);
      return () => listeners.delete(changed);
    },
  };
  stores.set(source, store);
  return store;
}
