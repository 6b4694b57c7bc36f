// WebRTC (W3C webrtc-pc): a peer connection of an attempt, whose data channel carries units.

import { ANSWERED, HANG, LOST, MENDED, OFFERED, OPENED, PROTOCOL, REFUSED } from "../../pkg/js/core.js";
import { SessionError } from "../../pkg/js/error.js";
import { redact } from "../../pkg/js/voice/redact.js";
import { Media } from "../../pkg/js/voice/stats.js";
import { gatherer, pack, receive } from "./unit.js";
import { Joiner, Outlet, cut, messageLimit, sizeOf } from "./webrtc/channel.js";
import { IceServers } from "./webrtc/ice.js";
import { PHASES } from "./webrtc/numbers.js";
import { signalingOf } from "./webrtc/options.js";
import { Peer } from "./webrtc/peer.js";
import { Signaling } from "./webrtc/signal.js";

/** Largest unit accepted, in bytes. */
const UNIT_LIMIT = 4 << 20;
/** Characters gathered in a unit before it is written. */
const UNIT_LENGTH = 1 << 15;

const MILESTONES = [OFFERED, ANSWERED, OPENED, MENDED];
/** Causes and statuses that the session itself has words for. */
const KNOWN = [REFUSED, LOST, 401, 403, 404, 413, 429, 503];

/** Texts of what only this transport can tell, as `TEXTS` has them. */
export const WARNINGS = {
  signaling_failed: ["WebRTC was not set up", "check webrtc.signaling and endpoints.webrtc; the other transports are used"],
  ice_servers: ["ICE servers could not be had; the call goes on without", "check webrtc.iceServers"],
  turn_rejected: ["a TURN server did not take these credentials, or was not reached", "check its address, and that credentials are fresh"],
};

/** @param {import("../../pkg/js/host.js").Host} host @param {number} attempt */
export function openWebRtc(host, attempt) {
  const { webrtc = {} } = host.options;
  const { gathering = "auto" } = webrtc;
  const ice = (host.ice ??= new IceServers(webrtc.iceServers));
  const joiner = new Joiner(UNIT_LIMIT);
  /** @type {Peer | undefined} */
  let peer;
  /** @type {Outlet | undefined} */
  let outlet;
  let address;
  let closed = false;

  const trouble = (code, more) => host.trouble(new SessionError(code, { transport: "webrtc", ...more }));
  const fits = (message) => sizeOf(message) <= link.limit || trouble("too_large");
  const measure = (limit) => {
    link.limit = limit;
    // Beside this link another one may be open, which it follows or is followed by.
    host.unit = Math.min(...[...host.links.values()].map(({ limit = Infinity }) => limit));
  };
  const { send, flush } = gatherer((unit) => {
    if (closed) return;
    try {
      for (const item of pack(unit, host.token)) {
        const message = item.raw && host.json ? /** @type {any} */ (host.json).textOf(item, attempt) : item;
        if (!host.json) outlet?.write(cut(message));
        else if (fits(message)) outlet?.write([message]);
      }
    } catch {
      // The channel's buffer is full beyond all measure.
      host.ended(attempt, PROTOCOL);
    }
  }, UNIT_LENGTH);
  const hear = ({ data }) => {
    let unit = data;
    try {
      if (!host.json) unit = joiner.push(unit);
    } catch {
      return host.ended(attempt, PROTOCOL);
    }
    if (unit === undefined) host.heard(attempt);
    else receive(host, attempt, unit);
  };
  const on = {
    made(pc, channel, sender) {
      channel.binaryType = "arraybuffer";
      channel.onmessage = hear;
      outlet = new Outlet(channel);
      link.media = new Media(pc, sender);
    },
    track({ track, streams }) {
      link.media?.heard(streams[0] ?? new MediaStream([track]));
    },
    report(milestone, pc) {
      if (MILESTONES[milestone] === OPENED) {
        ice.failure = undefined;
        if (host.json) measure(messageLimit(pc));
        return host.opened(attempt);
      }
      host.tell(MILESTONES[milestone], attempt);
    },
    ended(phase, cause, status, wait, told) {
      // Tries that go on failing in the same way are one failure.
      const failure = [phase, cause, status].join();
      if (!KNOWN.includes(status || cause) && ice.failure !== failure) {
        ice.failure = failure;
        const text = typeof told === "string" ? told : told?.message;
        const details = text && redact(text, host.token);
        const what = status ? `HTTP ${status}` : cause === HANG ? "no answer in time" : saidIn(details) ?? "no answer that can be used";
        const [message, remediation] = WARNINGS.signaling_failed;
        trouble("signaling_failed", {
          message: `${message}: ${what} (${PHASES[phase]})`,
          remediation,
          phase: PHASES[phase],
          details,
          ...(status ? { status } : {}),
          ...(wait >= 0 ? { retryInMs: wait } : {}),
        });
      }
      if (cause === REFUSED && PHASES[phase] === "exchange") host.refused(attempt, address, cause);
      else host.ended(attempt, cause, 0, status, wait);
    },
    warn(code, told) {
      const [message, remediation] = WARNINGS[code];
      if (code === "turn_rejected") return trouble(code, { message, remediation, details: told });
      const cause = typeof told === "object" ? { cause: told } : {};
      trouble(code, { message, remediation, ...cause, details: redact(told?.message ?? told ?? "", host.token) });
    },
  };
  host.locate(attempt, "webrtc", (found) => {
    if (closed) return;
    address = found;
    const trickles = signalingOf(webrtc).name === "whip";
    const wait = gathering === "wait" || (gathering === "auto" && !trickles);
    peer = new Peer(host, address, new Signaling(host, attempt, address), wait, on);
  });
  const link = {
    /** @type {Media | undefined} */
    media: undefined,
    /** Bytes that a message may have. */
    limit: Infinity,
    send,
    mend: () => peer?.mend(),
    close() {
      flush();
      closed = true;
      if (host.json) measure(Infinity);
      outlet?.close();
      peer?.close();
    },
  };
  return link;
}

/** What a server's JSON says of its error. */
function saidIn(excerpt) {
  try {
    const { error } = JSON.parse(excerpt);
    return String(error.message ?? error);
  } catch {}
}
