// What works between a page and its server: each thing looked at by itself, nothing left open, nothing told that is a secret.

import { linked } from "../../../src/transport/fetch.js";
import { SessionError } from "../error.js";
import { bounded } from "../listeners.js";
import { Signaling } from "../../../src/transport/webrtc/signal.js";
import { IceServers } from "../../../src/transport/webrtc/ice.js";
import { signalingOf } from "../../../src/transport/webrtc/options.js";
import { redact, shortened } from "./redact.js";
import { figuresOf } from "./stats.js";

/** Milliseconds for the whole, for one path, for its candidates, and until a stream's first byte is late. */
const [WHOLE, PATH, GATHERING, FIRST_BYTE] = [15_000, 6_000, 1_000, 2_000];
/** Milliseconds by which a clock may be wrong before tokens look expired, or not yet valid. */
const SKEW = 30_000;

const REMEDIES = {
  microphone: "allow the microphone for this site, and plug one in; the page must be secure",
  token: "the function `token` must return a string within 12 s",
  sdp: "check webrtc.signaling and endpoints.webrtc, and that the server has this route",
  udp: "a firewall may block UDP: offer a TURN server over TCP or TLS on port 443; the other transports are used",
  tcp: "offer a TURN server over TCP or TLS on port 443",
  relay: "check the TURN server's address and that its credentials are fresh",
  websocket: "a proxy may not pass WebSocket upgrades; the other transports are used",
  sse: "switch response buffering off on the way (X-Accel-Buffering: no)",
  clock: "set this device's clock: tokens may look expired",
};

/** Says why something was not looked at. */
class Skipped extends Error {}
/** @returns {never} */
const skip = (why) => {
  throw new Skipped(why);
};
/** @param {any} error */
const messageOf = (error) => String(error?.message || error);

/** @param {any} options @param {(options: any) => import("./host.js").VoiceHost} hostOf makes what knows the options and finds addresses */
export async function diagnose(options, hostOf) {
  const checks = [];
  const end = new AbortController();
  /** @type {import("./host.js").VoiceHost | undefined} */
  let host;
  const look = async (name, run) => {
    const began = performance.now();
    const check = { name, ok: /** @type {boolean | null} */ (true), ms: 0, detail: "" };
    try {
      check.detail = await bounded({ signal: end.signal }, (resolve, reject) => new Promise((done) => done(run(end.signal))).then(resolve, reject));
    } catch (error) {
      check.ok = error instanceof Skipped ? null : false;
      check.detail = end.signal.aborted ? "no answer in time" : messageOf(error);
      if (check.ok === false) Object.assign(check, { remediation: REMEDIES[name] });
    }
    check.ms = Math.round(performance.now() - began);
    check.detail = shortened(redact(check.detail, host?.token));
    checks.push(check);
    return check.ok;
  };
  const alarm = setTimeout(() => end.abort(), options?.timeout ?? WHOLE);
  try {
    const known = (host = hostOf(options));
    /** Finds the absolute address of a purpose; one knows of each that it cannot be had. */
    const addressOf = (purpose) =>
      new Promise((resolve, reject) => {
        const one = hostOf(options);
        one.ended = () => reject(new Skipped("not available here"));
        one.json = known.json;
        one.locate(0, purpose, resolve);
      });
    await look("token", (signal) => tokenOf(known, signal));
    await known.openAi?.prepare(known).catch(() => {});
    const paths = new Paths(known, addressOf);
    await Promise.all([
      look("microphone", microphone),
      look("sdp", (signal) => paths.first(signal)).then(async (answered) => {
        await look("udp", (signal) => (answered ? paths.over("udp", signal) : skip("no answer to an offer")));
        await look("tcp", (signal) => (answered ? paths.over("tcp", signal) : skip("no answer to an offer")));
        await look("relay", (signal) => (answered ? paths.relayed(signal) : skip("no answer to an offer")));
      }),
      look("websocket", (signal) => upgrade(addressOf, known.json?.options.protocols, signal)),
      look("sse", (signal) => firstByte(known, addressOf, signal)),
      look("clock", (signal) => clock(addressOf, signal)),
    ]);
    known.end("closed");
  } catch (error) {
    // Options that cannot be meant.
    checks.push({ name: "options", ok: false, ms: 0, detail: redact(messageOf(error)), remediation: "see the types of connect()" });
  } finally {
    clearTimeout(alarm);
    end.abort();
  }
  const text = checks.map(({ name, ok, ms, detail, remediation }) => `${ok === null ? "skip" : ok ? "ok  " : "FAIL"} ${name} (${ms} ms): ${detail}${remediation ? ` – ${remediation}` : ""}`);
  return { checks, text: text.join("\n") };
}

async function tokenOf(host, signal) {
  const { token } = host.options;
  if (!token) skip("no token function");
  const given = await token({ reason: "connect", signal });
  if (typeof given !== "string" || !given) throw new TypeError("the token is not a string");
  host.token = given;
  return `${given.length} characters`;
}

async function microphone() {
  const { mediaDevices, permissions } = navigator;
  if (!mediaDevices) throw new Error(globalThis.isSecureContext ? "this browser has none" : "the page is not secure");
  const devices = (await mediaDevices.enumerateDevices()).filter(({ kind }) => kind === "audioinput");
  const state = await permissions?.query({ name: /** @type {any} */ ("microphone") }).then((status) => status.state, () => "unknown");
  const told = `${devices.length} found, permission: ${state ?? "unknown"}`;
  if (!devices.length || state === "denied") throw new Error(told);
  return told;
}

/** Throw-away connections to what answers the application's own offers. */
class Paths {
  #host;
  #addressOf;
  #first;

  constructor(host, addressOf) {
    this.#host = host;
    this.#addressOf = addressOf;
  }

  #connect(signal, how) {
    return connection(this.#host, this.#addressOf, signal, how);
  }

  /** An answer to an offer, whatever its path comes to. */
  first(signal) {
    const first = this.#connect(signal, {});
    this.#first = first;
    return first.then(() => "answered");
  }

  async over(protocol, signal) {
    const candidates = /** @param {string} line */ (line) => line.split(" ")[2]?.toLowerCase() === protocol;
    if (protocol === "udp") {
      const { open } = await this.#first;
      const { figures } = await open;
      if (figures.protocol === "udp" && figures.localCandidate !== "relay") return pathOf(figures);
    }
    const { open, matching } = await this.#connect(signal, { candidates });
    if (!matching) skip(`the server offers no candidate over ${protocol.toUpperCase()}`);
    return pathOf((await open).figures);
  }

  async relayed(signal) {
    const { webrtc } = this.#host.options;
    if (!webrtc?.iceServers) skip("no ICE servers are named");
    const { open, servers } = await this.#connect(signal, { policy: "relay" });
    if (!servers.some(({ urls }) => urls.some((url) => url.startsWith("turn")))) skip("no TURN server is named");
    return pathOf((await open).figures);
  }
}

const pathOf = ({ protocol, localCandidate, remoteCandidate, rttMs, relayProtocol }) =>
  `${localCandidate} to ${remoteCandidate} over ${relayProtocol ?? protocol}${rttMs === null ? "" : `, ${rttMs} ms`}`;

/** Makes a connection, which closes as soon as its path is known. @param {any} host @param {any} addressOf @param {AbortSignal} signal @param {any} how */
async function connection(host, addressOf, signal, { policy, candidates }) {
  if (typeof RTCPeerConnection !== "function") skip("this browser has no WebRTC");
  const { webrtc = {} } = host.options;
  const address = signalingOf(webrtc).name === "custom" ? location.href : await addressOf("webrtc");
  const ice = (host.ice ??= new IceServers(webrtc.iceServers));
  // Where they cannot be had, the path without them is what a session has.
  const servers = ice.known() ?? (await ice.find(signal, address, host.token).catch(() => []));
  const pc = new RTCPeerConnection({ iceServers: servers, iceTransportPolicy: policy ?? webrtc.iceTransportPolicy });
  const signaling = new Signaling(host, 0, address);
  const close = () => {
    pc.close();
    signaling.end();
  };
  signal.addEventListener("abort", close);
  try {
    pc.addTransceiver("audio");
    const channel = pc.createDataChannel("throughline");
    const opened = bounded({ timeout: PATH, signal }, (resolve, reject) => {
      channel.onopen = resolve;
      pc.onconnectionstatechange = () => pc.connectionState === "failed" && reject(new Error("no path"));
    }, () => new Error(`no path within ${PATH} ms`));
    opened.catch(() => {});
    const gathered = bounded({ timeout: GATHERING, signal }, (resolve) => (pc.onicecandidate = ({ candidate }) => candidate || resolve(true)), () => true);
    await pc.setLocalDescription(await pc.createOffer());
    await gathered.catch(() => {});
    const offer = pc.localDescription?.sdp ?? "";
    const { answer } = await signaling.offer(offer, signal);
    const lines = answer.split(/\r?\n/);
    const kept = lines.filter((line) => !line.startsWith("a=candidate:") || !candidates || candidates(line));
    const matching = kept.filter((line) => line.startsWith("a=candidate:")).length;
    await pc.setRemoteDescription({ type: "answer", sdp: kept.join("\r\n") });
    const open = opened.then(async () => ({ figures: figuresOf([...(await pc.getStats()).values()]).figures })).finally(close);
    open.catch(() => {});
    if (!matching) close();
    return { open, matching, servers };
  } catch (error) {
    close();
    throw error;
  }
}

async function upgrade(addressOf, protocols, signal) {
  const address = await addressOf("websocket");
  const socket = new WebSocket(address.replace(/^http/, "ws"), protocols);
  try {
    await bounded({ timeout: PATH, signal }, (resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = () => reject(new Error("refused, or swallowed on the way"));
    }, () => new Error(`not open within ${PATH} ms`));
    return "open";
  } finally {
    socket.onopen = socket.onerror = null;
    socket.close();
  }
}

/** Whether a stream's first byte comes at once, or is held back on the way. */
async function firstByte(host, addressOf, signal) {
  const address = await addressOf("sse");
  const link = [...crypto.getRandomValues(new Uint32Array(4))].map((word) => word.toString(16).padStart(8, "0")).join("");
  const limit = new AbortController();
  const stop = () => limit.abort();
  signal.addEventListener("abort", stop);
  try {
    const headers = { Accept: "text/event-stream", ...(host.token ? { Authorization: "Bearer " + host.token } : {}) };
    const response = await fetch(linked(host, address, link), { headers, signal: limit.signal, credentials: host.credentials, cache: "no-store" });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    const began = performance.now();
    const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
    await bounded({ timeout: FIRST_BYTE }, (resolve, reject) => reader.read().then(resolve, reject), () => new Error(`headers came, and no byte within ${FIRST_BYTE} ms`));
    return `first byte ${Math.round(performance.now() - began)} ms after the headers`;
  } finally {
    limit.abort();
    signal.removeEventListener("abort", stop);
  }
}

async function clock(addressOf, signal) {
  const address = await addressOf("sse");
  const began = Date.now();
  const response = await fetch(new URL("/api/time", address), { signal, cache: "no-store" });
  const middle = (began + Date.now()) / 2;
  const { ms } = response.ok ? await response.json().catch(() => ({})) : {};
  const server = ms ?? Date.parse(response.headers.get("Date") ?? "");
  if (!Number.isFinite(server)) skip("the server does not tell the time");
  const skew = Math.round(middle - server);
  const told = `${Math.abs(skew)} ms ${skew < 0 ? "behind" : "ahead"}`;
  if (Math.abs(skew) > SKEW) throw new SessionError("timeout", { message: told });
  return told;
}
