// The entry `throughline/voice/wasm`: the same session with voice, whose WebAssembly the application gives.

// @ts-ignore generated
import identity from "../../wasm/voice/identity.js";
// @ts-ignore generated
import { instantiate } from "../../wasm/voice/throughline.js";
import { diagnose as look } from "../voice/diagnose.js";
import { VoiceHost } from "../voice/host.js";
import { VOICE_KIT } from "../voice/kit.js";
import { VoiceSession } from "../voice/session.js";
import { checkWasm, loaderOf } from "./given.js";

const load = loaderOf(identity, instantiate);

/** Starts a session and returns it at once. */
export const connect = (options) => {
  const check = (options) => {
    checkWasm(options);
    VOICE_KIT.check(options);
  };
  const host = new VoiceHost(options, { ...VOICE_KIT, check, load: () => load(host) });
  return new VoiceSession(host);
};

/** Looks at each thing that a session needs, each by itself; WebAssembly is none of them. */
export const diagnose = (options = {}) => look(options, (options) => new VoiceHost(options, VOICE_KIT));

export { SessionError } from "../error.js";
