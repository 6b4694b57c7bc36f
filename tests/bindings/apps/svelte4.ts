import Legacy from "./svelte/Legacy.svelte";

const Component = Legacy as any;

export { Component as Room };

export function mount(target, component, props) {
  const app = new component({ target, props });
  return { update: (next) => app.$set(next), unmount: () => app.$destroy() };
}
