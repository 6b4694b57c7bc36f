import { computed, getCurrentInstance, getCurrentScope, markRaw, onMounted, shallowRef, toValue, watch } from "vue";
import { lease } from "./bindings/lease.js";
import { NO_AUDIO, NO_SESSION, audioOf, statusOf } from "./bindings/watch.js";

export function useSession(make, key) {
  const session = shallowRef(null);
  const scope = getCurrentScope();
  const instance = getCurrentInstance();
  const hold = (key) => {
    const { hold, read } = lease(make, key);
    return hold(() => {
      const made = read();
      // Its private members cannot be reached through a proxy.
      session.value = made && markRaw(made);
    });
  };
  const begin = () => follow(() => toValue(key), hold);
  // Not before the page shows what the server rendered.
  if (instance && !instance.isMounted) onMounted(() => scope?.active && scope.run(begin));
  else if (typeof document !== "undefined") begin();
  return session;
}

export const useSessionState = (session) => refsOf(session, statusOf, NO_SESSION);

export const useAudio = (session) => refsOf(() => toValue(session)?.audio, audioOf, NO_AUDIO);

export function useEvent(source, name, handler, options) {
  follow(() => toValue(source), (source) => source?.on(name, handler, options));
}

/** Refs of a status, each of which changes by itself. */
function refsOf(source, storeOf, none) {
  const status = shallowRef(none);
  follow(() => toValue(source), (source) => {
    const store = source && storeOf(source);
    const changed = () => (status.value = store?.read() ?? none);
    changed();
    return store?.listen(changed);
  });
  return Object.fromEntries(Object.keys(none).map((name) => [name, computed(() => status.value[name])]));
}

/** Begins with each value what `begin` returns the end of. */
function follow(value, begin) {
  watch(value, (value, _, ended) => ended(begin(value) ?? (() => {})), { immediate: true });
}
