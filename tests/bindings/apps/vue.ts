import { createApp, createSSRApp, h, shallowRef } from "vue";

export { default as Room } from "../examples/Room.vue";
export { default as Talk } from "../examples/Talk.vue";
export * from "./vue/components";

function run(create, target, component, first = {}) {
  const props = shallowRef(first);
  const app = create({ render: () => h(component, props.value) });
  app.mount(target);
  return { update: (next) => (props.value = next), unmount: () => app.unmount() };
}

export const mount = (target, component, props?) => run(createApp, target, component, props);
export const hydrate = (target, component, props?) => run(createSSRApp, target, component, props);
