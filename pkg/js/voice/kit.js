import { openWebRtc } from "../../../src/transport/webrtc.js";
import { checkWebRtc } from "../../../src/transport/webrtc/options.js";
import { KIT } from "../kit.js";
import { checkAudio } from "./audio.js";

/** What entries with voice are made of. */
export const VOICE_KIT = {
  openers: [...KIT.openers, openWebRtc],
  transports: [3, ...KIT.transports],
  /** Events of the session that only these entries have. */
  events: ["progress", "rung", "rollover"],
  check(options) {
    checkWebRtc(options);
    checkAudio(options);
  },
  here: (transport) => transport !== 3 || typeof RTCPeerConnection === "function",
};
