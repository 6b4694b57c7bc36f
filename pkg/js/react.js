"use client";
import { useEffect, useInsertionEffect, useMemo, useRef, useSyncExternalStore } from "react";
import { lease } from "./bindings/lease.js";
import { NO_AUDIO, NO_SESSION, audioOf, statusOf } from "./bindings/watch.js";

const nothing = () => null;
const whole = (status) => status;
const never = () => () => {};

export function useSession(make, key) {
  // What makes it is often written in place, and then another function in each render: a session lasts as long as its key.
  const { hold, read } = useMemo(() => {
    const { hold, read } = lease(make, key);
    return { read, hold: (changed) => outlived(hold(changed), changed) };
  }, [key]);
  return useSyncExternalStore(hold, read, nothing);
}

/** What is hidden (`Activity`) lets go like what is gone. It is told when that is over, so that it meets no session that was closed when it is shown again. */
const outlived = (release, changed) => () => {
  release();
  setTimeout(changed);
};

export const useSessionState = (session, select) => useStatus(session, statusOf, NO_SESSION, select);

export const useAudio = (session, select) => useStatus(session?.audio, audioOf, NO_AUDIO, select);

export function useEvent(source, name, handler, options) {
  const latest = useRef(handler);
  useInsertionEffect(() => {
    latest.current = handler;
  });
  useEffect(() => source?.on(name, (payload, about) => latest.current(payload, about), options), [source, name]);
}

function useStatus(source, storeOf, none, select = whole) {
  const store = source ? storeOf(source) : undefined;
  let from;
  let selected;
  // Once for each status, so that an object that `select` makes does not count as a change by itself.
  const read = (status = store?.read() ?? none) => (from === status ? selected : (selected = select((from = status))));
  return useSyncExternalStore(store?.listen ?? never, () => read(), () => select(none));
}
