// The entry `throughline/wasm`: the same session, whose WebAssembly the application gives.

// @ts-ignore generated
import identity from "../../wasm/text/identity.js";
import { Host } from "../host.js";
import { KIT } from "../kit.js";
import { instantiate } from "../plain.js";
import { Session } from "../session.js";
import { checkWasm, loaderOf } from "./given.js";

const load = loaderOf(identity, instantiate);

/** Starts a session and returns it at once. */
export const connect = (options) => {
  const host = new Host(options, { ...KIT, check: checkWasm, load: () => load(host) });
  return new Session(host);
};

export { SessionError } from "../error.js";
