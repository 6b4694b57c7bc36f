import { openLongPoll } from "../../../src/transport/long-poll.js";
import { openSse } from "../../../src/transport/sse.js";
import { openWebSocket } from "../../../src/transport/websocket.js";
// @ts-ignore generated
import text, { mask } from "../../wasm/voice/bytes.js";
// @ts-ignore generated
import { instantiate } from "../../wasm/voice/throughline.js";
import { loader } from "../load.js";
import { checkAudio } from "./audio.js";
import { diagnose as look } from "./diagnose.js";
import { VoiceHost } from "./host.js";
import { checkWebRtc } from "../../../src/transport/webrtc/options.js";
import { VoiceSession } from "./session.js";
import { openWebRtc } from "../../../src/transport/webrtc.js";

/** What this entry is made of; transports by their numbers, all of them used by default. */
const KIT = {
  load: loader(text, mask, instantiate),
  openers: [openWebSocket, openSse, openLongPoll, openWebRtc],
  transports: [3, 0, 1, 2],
  /** Events of the session that only this entry has. */
  events: ["progress", "rung", "rollover"],
  check(options) {
    checkWebRtc(options);
    checkAudio(options);
  },
  here: (transport) => transport !== 3 || typeof RTCPeerConnection === "function",
};

/** Starts a session and returns it at once. */
export const connect = (options = {}) => new VoiceSession(new VoiceHost(options, KIT));

/** Looks at each thing that a session needs, each by itself. */
export const diagnose = (options = {}) => look(options, (options) => new VoiceHost(options, KIT));

export { SessionError } from "../error.js";
