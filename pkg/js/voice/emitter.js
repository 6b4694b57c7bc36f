/** Listeners by name; one that throws harms no other. */
export class Emitter {
  /** @type {Map<string, Set<{ listener: Function }>>} */
  #lists = new Map();

  on(name, listener, signal) {
    const list = this.#lists.get(name) ?? new Set();
    this.#lists.set(name, list);
    const entry = { listener };
    if (!signal?.aborted) list.add(entry);
    const off = () => void list.delete(entry);
    signal?.addEventListener("abort", off, { once: true });
    return off;
  }

  off(name, listener) {
    const list = this.#lists.get(name);
    for (const entry of list ?? []) if (!listener || entry.listener === listener) list?.delete(entry);
  }

  emit(name, event) {
    for (const { listener } of this.#lists.get(name) ?? []) {
      try {
        listener(event);
      } catch (error) {
        console.error(`throughline: a listener of "${name}" threw`, error);
      }
    }
  }
}
