import { openLongPoll } from "../../src/transport/long-poll.js";
import { openSse } from "../../src/transport/sse.js";
import { openWebSocket } from "../../src/transport/websocket.js";
// @ts-ignore generated
import text, { mask } from "../wasm/text/bytes.js";
import { Host } from "./host.js";
import { loader } from "./load.js";
import { instantiate } from "./plain.js";
import { Session } from "./session.js";

/** What this entry is made of; transports by their numbers, all of them used by default. */
const KIT = { load: loader(text, mask, instantiate), openers: [openWebSocket, openSse, openLongPoll], transports: [0, 1, 2] };

/** Starts a session and returns it at once. */
export const connect = (options = {}) => new Session(new Host(options, KIT));

export { SessionError } from "./error.js";
