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
  // Who ends the session does not wait for what is still to come.
  const host = new Host(options, { ...KIT, check: checkWasm, load: () => Promise.race([load(options.wasm), host.over]) });
  return new Session(host);
};

export { SessionError } from "../error.js";
