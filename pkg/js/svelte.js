import { onDestroy } from "svelte";
import { readable } from "svelte/store";
import { lease } from "./bindings/lease.js";
import { NO_AUDIO, NO_SESSION, audioOf, statusOf } from "./bindings/watch.js";

export const sessionStore = (make, key) =>
  readable(null, (set) => {
    if (typeof document === "undefined") return;
    return follow(key, (key) => {
      const { hold, read } = lease(make, key);
      let wanted = true;
      let release;
      // Not before the page shows what the server rendered, nor for a look that ends at once.
      queueMicrotask(() => {
        if (wanted) release = hold(() => set(read()));
      });
      return () => {
        wanted = false;
        release?.();
        set(null);
      };
    });
  });

export const sessionState = (session) => statusStore(session, statusOf, NO_SESSION);

export const audioStore = (session) => statusStore(session, (session) => session.audio && audioOf(session.audio), NO_AUDIO);

export const eventStore = (source, name, initial) => readable(initial, (set) => follow(source, (source) => source?.on(name, (payload) => set(payload))));

export function onEvent(source, name, handler, options) {
  const stop = follow(source, (source) => source?.on(name, handler, options));
  onDestroy(stop);
  return stop;
}

const statusStore = (session, storeOf, none) =>
  readable(none, (set) =>
    follow(session, (session) => {
      const store = session && storeOf(session);
      const changed = () => set(store?.read() ?? none);
      changed();
      return store?.listen(changed);
    }),
  );

/** Begins with each value of a store, or with what is none, what `begin` returns the end of. */
function follow(source, begin) {
  let end;
  const next = (value) => {
    end?.();
    end = begin(value);
  };
  const stop = source?.subscribe ? source.subscribe(next) : next(source);
  return () => {
    stop?.();
    end?.();
    end = undefined;
  };
}
