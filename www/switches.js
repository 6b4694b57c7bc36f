import { TRANSPORTS } from "./words.js";

/** The lanes that a fault may break, most preferred first. */
export const LANES = Object.keys(TRANSPORTS);

/**
 * The switches, in the order of the board. `rules` are for the fault proxy, `udp` for the server's own UDP, which goes past the proxy.
 * Two that break the same thing exclude each other. One with `once` happens at once and is over.
 */
export const FAULTS = [
  { key: "u", name: "Drop UDP", full: "UDP dropped", how: "black hole", breaks: ["webrtc"], udp: "drop", expect: "Every UDP packet vanishes, and nobody says so. Silence gives it away: an ICE restart is tried, then another transport carries on, sound and all." },
  { key: "k", name: "Kill peer", full: "Peer killed", how: "no goodbye", once: ["webrtc"], rtc: { kill: true }, expect: "The server forgets every peer connection without a word, as a crash would. Silence gives it away." },
  { key: "x", name: "Close peer", full: "Peer closed", how: "politely", once: ["webrtc"], rtc: { close: true }, expect: "The server closes every peer connection and says so: no silence has to be waited out." },
  { key: "1", name: "Block WebSocket", full: "WebSocket blocked", how: "403", breaks: ["websocket"], rules: [{ kind: "refuse403" }], expect: "The upgrade is answered 403. The next transport is tried at once." },
  { key: "2", name: "Reset it", full: "WebSocket reset", how: "TCP reset", breaks: ["websocket"], rules: [{ kind: "rst" }], expect: "The connection is reset before it opens. The next transport is tried at once." },
  { key: "2", name: "Reset SSE", full: "SSE reset", how: "TCP reset", breaks: ["sse"], without: "websocket", rules: [{ kind: "rst", on: ["sse"] }], expect: "The connection is reset before the stream opens. What is left stands in, and gives way once it streams again." },
  { key: "3", name: "Let it hang", full: "WebSocket hangs", how: "no answer, ever", breaks: ["websocket"], rules: [{ kind: "hang" }], expect: "Nothing answers. The others do not wait for it: they start while it hangs." },
  { key: "4", name: "Swallow it", full: "WebSocket swallowed", how: "101, then silence", breaks: ["websocket"], rules: [{ kind: "swallow" }], expect: "It opens, and then nothing arrives. Being open is not believed: a link is used only after it has answered." },
  { key: "5", name: "Let it flap", full: "WebSocket flaps", how: "101, cut, again", breaks: ["websocket"], rules: [{ kind: "flap", ms: 100 }], expect: "It opens, works, and is cut 100 ms later. It stays benched until it holds." },
  { key: "6", name: "Mute SSE", full: "SSE muted", how: "headers, no events", breaks: ["sse"], rules: [{ kind: "mute-sse" }], expect: "A proxy buffers the stream: headers come, events never do." },
  { key: "7", name: "Only long poll", full: "Only long poll is left", how: "the rest opens, silent", breaks: ["webrtc", "websocket", "sse"], spares: "long-poll", udp: "drop", rules: [{ kind: "swallow" }, { kind: "mute-sse" }], expect: "Every better way opens and stays silent. Only long polling is left, and it is enough." },
  { key: "8", name: "100 ms more", full: "100 ms more delay", how: "50 ms each way", breaks: ["time"], rules: [{ kind: "delay", ms: 50 }], expect: "Every chunk over TCP takes 50 ms longer each way. Watch the round trip." },
  { key: "9", name: "Server down", full: "Server down", how: "all reset", breaks: [...LANES, "time"], udp: "drop", rules: [{ kind: "down" }], expect: "Nothing connects. Write on: your messages wait, and go out once when you heal it." },
  { key: "c", name: "Cut all", full: "Cut", how: "once, now", once: LANES, cut: ["websocket", "sse", "poll", "post"], rtc: { close: true }, expect: "Every open connection is reset, once. The session comes back by itself." },
];

/** Whether a switch is of use: it breaks what is in use, and one that leaves only one transport breaks more than one. */
export const concerns = ({ once, breaks = once, spares, without }, allowed) => {
  if (allowed.includes(without)) return false;
  const broken = breaks.filter((lane) => lane === "time" || allowed.includes(lane));
  return broken.length > 0 && (!spares || (broken.length > 1 && allowed.includes(spares)));
};

/** What a switch asks for, part by part: kinds of rules, and `udp`. */
export const partsOf = ({ rules = [], udp }) => [...rules.map(({ kind }) => kind), ...(udp ? ["udp"] : [])];
