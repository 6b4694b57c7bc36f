import { render as run } from "svelte/server";
import { readable } from "svelte/store";
import Host from "./svelte/Host.svelte";

export { default as Room } from "../examples/Room.svelte";
export { default as Talk } from "../examples/Talk.svelte";

export const render = async (component, props) => run(Host, { props: { component, props: readable(props) } }).body;
