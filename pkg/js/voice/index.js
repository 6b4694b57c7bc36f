// @ts-ignore generated
import text, { mask } from "../../wasm/voice/bytes.js";
// @ts-ignore generated
import { instantiate } from "../../wasm/voice/throughline.js";
import { loader } from "../load.js";
import { diagnose as look } from "./diagnose.js";
import { VoiceHost } from "./host.js";
import { VOICE_KIT } from "./kit.js";
import { VoiceSession } from "./session.js";

const INLINED = { load: loader(text, mask, instantiate), ...VOICE_KIT };

/** Starts a session and returns it at once. */
export const connect = (options = {}) => new VoiceSession(new VoiceHost(options, INLINED));

/** Looks at each thing that a session needs, each by itself. */
export const diagnose = (options = {}) => look(options, (options) => new VoiceHost(options, INLINED));

export { SessionError } from "../error.js";
