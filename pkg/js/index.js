// @ts-ignore generated
import text, { mask } from "../wasm/text/bytes.js";
import { Host } from "./host.js";
import { KIT } from "./kit.js";
import { loader } from "./load.js";
import { instantiate } from "./plain.js";
import { Session } from "./session.js";

const INLINED = { load: loader(text, mask, instantiate), ...KIT };

/** Starts a session and returns it at once. */
export const connect = (options = {}) => new Session(new Host(options, INLINED));

export { SessionError } from "./error.js";
