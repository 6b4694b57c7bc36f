// WebRTC (W3C webrtc-pc): a peer connection whose data channel carries units. What is negotiated, src/transport/webrtc.rs knows.

import { ANSWERED, MENDED, OFFERED, OPENED, PROTOCOL, REFUSED } from "../core.js";
import { SessionError } from "../error.js";
import { pack, receive } from "../../../src/transport/unit.js";
import { Joiner, Outlet, cut, messageLimit, sizeOf } from "./channel.js";
import { IceServers } from "./ice.js";
import { SIGNALING, signalingOf } from "./options.js";
import { redact } from "./redact.js";
import { Media } from "./stats.js";

/** Largest unit accepted, in bytes. */
const UNIT_LIMIT = 4 << 20;
/** Characters gathered in a unit before it is written. */
const UNIT_LENGTH = 1 << 15;

const MILESTONES = [OFFERED, ANSWERED, OPENED, MENDED];
const PHASES = ["offer", "exchange", "answer", "transport", "open"];
/** How the page tells the causes that the compiled part knows by the core's numbers. */
const CAUSES = { 1: REFUSED, 2: 10, 6: 1, 8: 2, 11: 5, 12: 6, 13: PROTOCOL, 19: 9 };
/** Causes and statuses that the session itself has words for. */
const KNOWN = [1, 6, 401, 403, 404, 413, 429, 503];

const WARNINGS = {
  ice_servers: ["ICE servers could not be had; the call goes on without", "check webrtc.iceServers"],
  turn_rejected: ["a TURN server did not take these credentials, or was not reached", "check its address, and that credentials are fresh"],
};

/** @param {import("../host.js").Host} host @param {number} attempt */
export function openWebRtc(host, attempt) {
  const { webrtc = {} } = host.options;
  const signaling = signalingOf(webrtc);
  const { gathering = "auto", iceTransportPolicy, channel: { label = "throughline", ...dictionary } = {} } = webrtc;
  const ice = (host.ice ??= new IceServers(webrtc.iceServers));
  const joiner = new Joiner(UNIT_LIMIT);
  /** @type {any} */
  let peer;
  /** @type {RTCPeerConnection} */
  let pc;
  /** @type {RTCDataChannel} */
  let channel;
  /** @type {Outlet | undefined} */
  let outlet;
  let address;
  let closed = false;
  let limit = Infinity;
  /** What the rest of the task sends goes out as one unit at its end. */
  let gathered;
  let length = 0;

  const warn = (code, more) => {
    if (closed) return;
    const [message, remediation] = WARNINGS[code];
    host.trouble(new SessionError(code, { message, remediation, transport: "webrtc", ...more }));
  };
  const fits = (message) => {
    if (sizeOf(message) <= limit) return true;
    host.trouble(new SessionError("too_large", { transport: "webrtc" }));
    return false;
  };
  const write = (unit) => {
    if (closed) return;
    try {
      for (const item of pack(unit, host.token)) {
        const message = item.raw ?? item;
        if (!host.json) outlet?.write(cut(message));
        else if (fits(message)) outlet?.write([message]);
      }
    } catch {
      // The channel's buffer is full beyond all measure.
      host.ended(attempt, PROTOCOL);
    }
  };
  const flush = () => {
    const unit = gathered;
    gathered = undefined;
    if (unit?.length) write(unit);
  };
  const port = {
    signaling: SIGNALING.indexOf(signaling.name),
    wait: gathering === "wait" || (gathering === "auto" && signaling.name !== "whip"),
    label,
    channel: dictionary,
    now: () => host.now(),
    known: () => ice.known(),
    find: (signal) => ice.find(signal, address, host.token),
    configuration: (iceServers) => ({ iceServers, iceTransportPolicy }),
    request: (method, resource, etag, body, signal) => requestOf(host, signaling, method, new URL(resource ?? "", address), etag, body, signal),
    exchange: (offer, reason, signal) => new Promise((resolve) => resolve(webrtc.signaling(offer, { signal, attempt, reason, url: address }))),
    answer: answerIn,
    made(connection, data, sender) {
      [pc, channel] = [connection, data];
      channel.binaryType = "arraybuffer";
      channel.onmessage = (event) => {
        if (closed) return;
        let unit = event.data;
        try {
          if (!host.json) unit = joiner.push(unit);
        } catch {
          return host.ended(attempt, PROTOCOL);
        }
        if (unit === undefined) host.heard(attempt);
        else receive(host, attempt, unit);
      };
      outlet = new Outlet(channel);
      link.media = new Media(pc, sender);
    },
    remote({ track, streams }) {
      link.media?.heard(streams[0] ?? new MediaStream([track]));
    },
    servers(header) {
      const iceServers = serversIn(header);
      try {
        if (iceServers.length) pc.setConfiguration({ ...pc.getConfiguration(), iceServers });
      } catch (cause) {
        warn("ice_servers", { cause });
      }
    },
    report(milestone) {
      if (closed) return;
      if (MILESTONES[milestone] === OPENED) {
        ice.failure = undefined;
        if (host.json) host.unit = limit = messageLimit(pc);
      }
      host.tell(MILESTONES[milestone], attempt);
    },
    ended(phase, cause, status, wait, told) {
      if (closed) return;
      // Tries that go on failing in the same way are one failure.
      const failure = [phase, cause, status].join();
      if (!KNOWN.includes(status || cause) && ice.failure !== failure) {
        ice.failure = failure;
        const text = typeof told === "string" ? told : told?.message;
        const excerpt = text && redact(text, host.token);
        const what = status ? `HTTP ${status}` : cause === 2 ? "no answer in time" : saidIn(excerpt) ?? "no answer that can be used";
        host.trouble(
          new SessionError("signaling_failed", {
            message: `WebRTC was not set up: ${what} (${PHASES[phase]})`,
            remediation: "check webrtc.signaling and endpoints.webrtc; the other transports are used",
            transport: "webrtc",
            phase: PHASES[phase],
            details: excerpt,
            ...(status ? { status } : {}),
            ...(wait >= 0 ? { retryInMs: wait } : {}),
          }),
        );
      }
      if (cause === 1 && PHASES[phase] === "exchange") host.refused(attempt, address, REFUSED);
      else host.ended(attempt, CAUSES[cause], 0, status, wait);
    },
    warn(code, told) {
      const [url, number] = Array.isArray(told) ? told : [];
      const cause = typeof told === "object" && !url ? told : undefined;
      warn(code, { ...(cause ? { cause } : {}), details: url ? { url, code: number } : redact(told?.message ?? told ?? "", host.token) });
    },
  };
  host.address(attempt, "webrtc", (found) => {
    if (closed) return;
    address = found;
    peer = new host.instance.Peer(port);
  });
  const link = {
    /** @type {Media | undefined} */
    media: undefined,
    send(unit) {
      if (!gathered) {
        write(unit);
        gathered = [];
        length = 0;
        queueMicrotask(flush);
        return;
      }
      gathered.push(...unit);
      for (const item of unit) length += item.length ?? item.bytes?.length ?? 0;
      if (length > UNIT_LENGTH) {
        write(gathered.splice(0));
        length = 0;
      }
    },
    mend() {
      peer?.mend();
    },
    close() {
      flush();
      closed = true;
      if (host.json) host.unit = Infinity;
      if (channel) channel.onmessage = null;
      try {
        outlet?.flush();
      } catch {}
      peer?.free();
      peer = undefined;
    },
  };
  return link;
}

/** What an exchange asks: an offer is POSTed, a resource PATCHed and DELETEd. */
export function requestOf(host, signaling, method, address, etag, body, signal) {
  /** @type {Record<string, string>} */
  const headers = host.token ? { Authorization: "Bearer " + host.token } : {};
  if (method === "PATCH") headers["Content-Type"] = "application/trickle-ice-sdpfrag";
  if (etag !== undefined) headers["If-Match"] = etag;
  if (method === "POST") {
    const json = signaling.name === "json";
    headers["Content-Type"] = json ? "application/json" : "application/sdp";
    headers.Accept = "application/sdp, application/json";
    if (json) body = bodyOf(signaling, body, host.token);
  }
  return new Request(address, { method, headers, body, signal, credentials: host.credentials, cache: "no-store", keepalive: method === "DELETE" });
}

/** Finds the answer in what came, whatever its content type said: bare, or in JSON. @returns {string | undefined} */
export function answerIn(told) {
  let value = told;
  try {
    value = JSON.parse(told);
  } catch {}
  const { sdp, answer, transport } = value ?? {};
  const found = [value, sdp, answer?.sdp, transport?.sdp, answer].find((text) => typeof text === "string" && /^\s*v=0/.test(text));
  return found?.trimStart();
}

/** Spells the offer as JSON: the names of its members are the server's. */
function bodyOf({ fields: { sdp: offer = "sdp", token: secret = "token" } = {}, body }, sdp, token) {
  return JSON.stringify({ ...(secret && token !== undefined ? { [secret]: token } : {}), ...body, [offer]: sdp });
}

/** What a server's JSON says of its error. */
function saidIn(excerpt) {
  try {
    const { error } = JSON.parse(excerpt);
    return String(error.message ?? error);
  } catch {}
}

/** ICE servers of a `Link` header (RFC 9725 §4.6). @param {string} header @returns {RTCIceServer[]} */
export function serversIn(header) {
  const servers = [];
  for (const [, url, rest] of header.matchAll(/<([^>]*)>((?:"(?:[^"\\]|\\.)*"|[^,"])*)/g)) {
    const of = (name) => new RegExp(`;\\s*${name}\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|([^;,\\s]+))`, "i").exec(rest)?.slice(1).find((text) => text !== undefined);
    if (of("rel") !== "ice-server") continue;
    const [username, credential] = [of("username"), of("credential")];
    servers.push({ urls: [url], ...(username === undefined ? {} : { username }), ...(credential === undefined ? {} : { credential }) });
  }
  return servers;
}
