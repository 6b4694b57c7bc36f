// The entry `throughline/no-wasm`: the same session, whose core is JavaScript, for pages that may compile no WebAssembly.

// @ts-ignore generated
import script from "../wasm/text/script.js";
import { Host } from "./host.js";
import { KIT } from "./kit.js";
import { coreOf } from "./plain.js";
import { Session } from "./session.js";

const SCRIPTED = { load: async () => coreOf(script()), ...KIT };

/** Starts a session and returns it at once. */
export const connect = (options = {}) => new Session(new Host(options, SCRIPTED));

export { SessionError } from "./error.js";
