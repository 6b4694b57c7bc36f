import { statusOf } from "./watch.js";

/** Sessions that somebody holds, by the function that made them and the key it was given. @type {WeakMap<Function, Map<unknown, { session: any, holders: number }>>} */
const leases = new WeakMap();

/**
 * One session for all who name the same function and key: made for the first who holds it, closed when the last one has let go. To name it makes nothing, so
 * that what is rendered and thrown away, or rendered on a server, leaves nothing behind.
 */
export function lease(make, key) {
  return {
    /** The session, if somebody holds it. */
    read: () => leases.get(make)?.get(key)?.session ?? null,
    /** Holds it. `changed` is told at once, when there is one; what is returned lets go. */
    hold(changed) {
      const sessions = leases.get(make) ?? new Map();
      const held = sessions.get(key) ?? { session: begin(make, key), holders: 0 };
      leases.set(make, sessions.set(key, held));
      held.holders++;
      changed();
      return () => {
        held.holders--;
        // Who comes back in the same turn, as after StrictMode's trial or a move to another place, finds it open.
        setTimeout(() => {
          if (held.holders || sessions.get(key) !== held) return;
          sessions.delete(key);
          held.session?.close();
        });
      };
    },
  };
}

function begin(make, key) {
  const session = make(key);
  // From the start: what it fails with may come before anybody asks.
  if (session) statusOf(session);
  return session;
}
