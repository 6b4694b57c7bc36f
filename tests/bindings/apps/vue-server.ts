import { createSSRApp, h } from "vue";
import { renderToString } from "vue/server-renderer";

export { default as Room } from "../examples/Room.vue";
export { default as Talk } from "../examples/Talk.vue";
export { scoped } from "./vue/components";

export const render = (component, props) => renderToString(createSSRApp({ render: () => h(component, props) }));
