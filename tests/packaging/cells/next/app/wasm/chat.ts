import { connect } from "throughline/wasm";
import type { Events } from "../chat";
import { origin } from "../origin";

const wasm = new URL("throughline/throughline.wasm", import.meta.url);

export const joinRoom = (room: string) => connect<Events, Events>({ wasm, url: `${origin()}/realtime?room=${room}` });
