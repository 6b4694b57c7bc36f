import wasm from "throughline/throughline.wasm?url";
import { connect } from "throughline/wasm";
import type { Events } from "./chat";
import { origin } from "./origin";

export const joinRoom = (room: string) => connect<Events, Events>({ wasm, url: `${origin()}/realtime?room=${room}` });
