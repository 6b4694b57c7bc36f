import { render as run } from "svelte/server";
import { readable } from "svelte/store";
import { sessionStore } from "throughline/svelte";
import { joinRoom } from "../examples/chat";
import Host from "./svelte/Host.svelte";

export { default as Room } from "../examples/Room.svelte";
export { default as Talk } from "../examples/Talk.svelte";

/** A store of a room's session. */
export const room = () => sessionStore(joinRoom, "blue");

export const render = async (component, props) => run(Host, { props: { component, props: readable(props) } }).body;
