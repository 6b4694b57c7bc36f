import { hydrate as begin, mount as start, unmount } from "svelte";
import { get, writable } from "svelte/store";
import { sessionStore } from "throughline/svelte";
import { joinRoom } from "../examples/chat";
import Host from "./svelte/Host.svelte";

export { default as Room } from "../examples/Room.svelte";
export { default as Talk } from "../examples/Talk.svelte";
export { default as Last } from "./svelte/Last.svelte";
export { default as Legacy } from "./svelte/Legacy.svelte";

/** A store of a room's session, and a look at one that ends at once. */
export const room = () => sessionStore(joinRoom, "blue");
export const look = () => get(room());

function run(create, target, component, first = {}) {
  const props = writable(first);
  const app = create(Host, { target, props: { component, props } });
  return { update: props.set, unmount: () => void unmount(app) };
}

export const mount = (target, component, props?) => run(start, target, component, props);
export const hydrate = (target, component, props?) => run(begin, target, component, props);
