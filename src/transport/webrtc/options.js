import { SessionError } from "../../../pkg/js/error.js";

/** How offers are exchanged. */
const SIGNALING = ["whip", "sdp", "json", "custom"];

const fail = (message) => {
  throw new SessionError("bad_option", { message });
};
const one = (name, value, names) => value === undefined || names.includes(value) || fail(`webrtc.${name} must be one of ${names.join(", ")}`);
const isUrl = (value) => typeof value === "string" || value instanceof URL;

/** Refuses what cannot be meant. @param {any} options */
export function checkWebRtc({ webrtc = {}, dialect }) {
  if (typeof webrtc !== "object" || webrtc === null) fail("webrtc must be an object");
  const { signaling, iceServers, iceTransportPolicy, gathering, channel = {} } = webrtc;
  const { name } = signalingOf(webrtc);
  one("signaling", name, SIGNALING);
  if (name === "custom" && typeof signaling !== "function") fail("webrtc.signaling: custom is a function");
  one("iceTransportPolicy", iceTransportPolicy, ["all", "relay"]);
  one("gathering", gathering, ["auto", "none", "wait"]);
  if (iceServers !== undefined && typeof iceServers !== "function" && !isUrl(iceServers) && (typeof iceServers !== "object" || iceServers === null)) {
    fail("webrtc.iceServers must be a list, an address or a function");
  }
  if (typeof channel !== "object" || channel === null) fail("webrtc.channel must be an object");
  const { ordered, maxRetransmits, maxPacketLifeTime, label } = channel;
  if (label !== undefined && typeof label !== "string") fail("webrtc.channel.label must be text");
  if (maxRetransmits !== undefined && maxPacketLifeTime !== undefined) fail("webrtc.channel: maxRetransmits or maxPacketLifeTime, not both");
  const unreliable = ordered === false || maxRetransmits !== undefined || maxPacketLifeTime !== undefined;
  if (unreliable && (dialect?.name ?? dialect ?? "throughline") === "throughline") fail('webrtc.channel must be ordered and reliable in the dialect "throughline"');
}

/** How offers are exchanged, as an object with its name. @returns {any} */
export function signalingOf({ signaling = "whip" }) {
  if (typeof signaling === "function") return { name: "custom" };
  return typeof signaling === "string" ? { name: signaling } : signaling ?? {};
}
