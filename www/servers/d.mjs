// System D, the backend of voice interviews over WebRTC: it mints a session at OpenAI, or what stands in for it, and passes offers on.
// A page without WebRTC has the same session over a WebSocket.

import { randomBytes, randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import { WebSocket } from "ws";

import { Refused, accept, bearer, keep, log, options, parse, refuseUpgrade, relay, serve, text } from "./support.mjs";

const MODEL = "gpt-realtime";
const DIAGNOSTIC_TIMEOUT = 5_000;
const FAILURES = { 503: "Database unavailable", 504: "Timed out", 502: "Upstream API error" };
const TRANSCRIPTION = { model: "whisper-1" };
/** How a token is minted: by the names of today, and by those before. */
const MINTS = {
  ga: {
    route: "client_secrets",
    body: (instructions) => ({ session: { type: "realtime", model: MODEL, instructions, audio: { input: { transcription: TRANSCRIPTION } } } }),
    token: (answer) => answer?.value,
  },
  older: {
    route: "sessions",
    body: (instructions) => ({ model: MODEL, instructions, input_audio_transcription: TRANSCRIPTION }),
    token: (answer) => answer?.client_secret?.value,
  },
};
/** Where a failure happens if it is not said. */
const USUAL_PLACE = { 503: "session", 504: "exchange", 502: "exchange" };

const chosen = options({
  port: 3004,
  upstream: "",
  upstreamKey: "dev-d",
  upstreamNames: "ga",
  iceServers: '[{"urls":["stun:127.0.0.1:3478"]}]',
  tokenLife: 60_000,
  sessionTimeout: 12_000,
  upstreamTimeout: 20_000,
  fail: 0,
  times: 1,
  slow: 0,
  at: "",
});
const sessions = new Map();
/** When a token was first seen: it is good for `tokenLife` from then on. */
const seen = new Map();
let failures = chosen.fail ? chosen.times : 0;
const iceServers = parsed();

await serve({
  says: "system-d listening",
  port: chosen.port,
  routes: {
    "POST /api/realtime-session": handleSession,
    "POST /api/webrtc-exchange": handleExchange,
    "GET /api/ice-servers": () => ({ iceServers }),
    "GET /api/xirsys-ice-servers": () => ({ v: { iceServers: merged(iceServers) }, s: "ok" }),
    "GET /api/diagnostic/webrtc-test": handleDiagnostic,
  },
  sockets: { "/api/realtime": handleSocket },
});

async function handleSession({ request, response, body }) {
  authorize(request);
  const jobTitle = text(body, "jobTitle");
  return within(chosen.sessionTimeout, response, async (signal) => {
    await disturb("session", signal);
    const id = `sess_${randomUUID()}`;
    const { token } = keep(sessions, id, { token: await mint(jobTitle, signal), jobTitle });
    return { id, token };
  });
}

async function handleExchange({ response, body }) {
  const session = sessions.get(text(body, "sessionId"));
  if (!session) throw new Refused(404, "Session not found");
  if (text(body, "token") !== session.token) throw new Refused(401, "Unauthorized");
  const offer = text(body, "sdp");
  if (!offer.startsWith("v=0")) throw new Refused(400, "sdp is no session description");
  const model = body.model === undefined ? MODEL : text(body, "model");
  return within(chosen.upstreamTimeout, response, async (signal) => {
    await disturb("exchange", signal);
    return { sdp: await pass(offer, model, session.token, signal) };
  });
}

/** Passes events on both ways. The page never sees the API key, and who knows the session's id may have the session. */
async function handleSocket(upgrade) {
  const session = sessions.get(upgrade.query.get("sessionId"));
  if (!session) return refuseUpgrade(upgrade, 404);
  try {
    await disturb("relay");
    const upstream = await reach(session.token);
    if (upgrade.socket.destroyed) upstream.terminate();
    else accept(upgrade, (ws) => relay(ws, upstream));
  } catch (error) {
    log(`relay: ${error.message}`);
    refuseUpgrade(upgrade, error instanceof Refused ? error.status : 502);
  }
}

async function handleDiagnostic({ response }) {
  const started = performance.now();
  const reached = await within(DIAGNOSTIC_TIMEOUT, response, (signal) => ask("OPTIONS", "calls", { signal })).then(
    ({ status }) => ({ reachable: true, status }),
    (error) => ({ reachable: false, error: error.message }),
  );
  const upstream = { ...reached, ms: Math.round(performance.now() - started) };
  return { ok: upstream.reachable, timestamp: new Date().toISOString(), upstream, iceServers: iceServers.length, sessions: sessions.size };
}

/** Returns a token that the page may have. Without an upstream it is good for nothing but this server. */
async function mint(jobTitle, signal) {
  if (!chosen.upstream) return `ek_${randomBytes(24).toString("hex")}`;
  const headers = { "Content-Type": "application/json", Authorization: `Bearer ${chosen.upstreamKey}` };
  const { route, body: wanted, token: find } = MINTS[chosen.upstreamNames];
  const instructions = `You interview a candidate for this job: ${jobTitle}. Ask one question at a time.`;
  const { ok, status, body } = await ask("POST", route, { headers, body: JSON.stringify(wanted(instructions)), signal });
  if (!ok) throw new Refused(502, `${FAILURES[502]}: ${status}`);
  const token = find(parse(body));
  if (typeof token !== "string") throw new Refused(502, `${FAILURES[502]}: there is no token in the answer`);
  return token;
}

/** Passes an offer on as the upstream wants it, and returns the answer. */
async function pass(offer, model, token, signal) {
  const headers = { "Content-Type": "application/sdp", Authorization: `Bearer ${token}` };
  const { ok, status, body: answer } = await ask("POST", `calls?model=${encodeURIComponent(model)}`, { headers, body: offer, signal });
  if (!ok) throw new Refused(502, `${FAILURES[502]}: ${status}`);
  if (!answer.startsWith("v=0")) throw new Refused(502, `${FAILURES[502]}: the answer is no session description`);
  return answer;
}

/** Opens a WebSocket to the upstream, paused: it speaks first. */
function reach(token) {
  if (!chosen.upstream) throw new Refused(502, `${FAILURES[502]}: there is none`);
  const url = `${chosen.upstream}/realtime?model=${MODEL}`.replace(/^http/, "ws");
  const ws = new WebSocket(url, { headers: { Authorization: `Bearer ${token}` }, handshakeTimeout: chosen.upstreamTimeout });
  return new Promise((resolve, reject) => {
    ws.once("error", reject);
    ws.once("open", () => {
      ws.pause();
      resolve(ws);
    });
  });
}

async function ask(method, route, init) {
  if (!chosen.upstream) throw new Refused(502, `${FAILURES[502]}: there is none`);
  try {
    const response = await fetch(`${chosen.upstream}/realtime/${route}`, { method, ...init });
    return { ok: response.ok, status: response.status, body: await response.text() };
  } catch (error) {
    log(`upstream: ${error.cause?.code ?? error.name}`);
    throw new Refused(502, `${FAILURES[502]}: not reached`);
  }
}

function authorize(request) {
  const token = bearer(request);
  if (!token) throw new Refused(401, "Unauthorized");
  if (!seen.has(token)) keep(seen, token, Date.now());
  if (Date.now() - seen.get(token) > chosen.tokenLife) throw new Refused(401, "Token expired");
}

/** Is slow and fails as it was told to. */
async function disturb(place, signal) {
  if (chosen.slow && (!chosen.at || chosen.at === place)) await sleep(chosen.slow, undefined, { signal });
  if (failures === 0 || place !== (chosen.at || USUAL_PLACE[chosen.fail])) return;
  failures--;
  throw new Refused(chosen.fail, FAILURES[chosen.fail]);
}

/** Gives `work` so many milliseconds, and less if the client goes. */
async function within(ms, response, work) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(new Refused(504, FAILURES[504])), ms);
  const leave = () => abort.abort(new Refused(504, "The client is gone"));
  response.once("close", leave);
  try {
    return await work(abort.signal);
  } catch (error) {
    throw abort.signal.aborted ? abort.signal.reason : error;
  } finally {
    clearTimeout(timer);
    response.off("close", leave);
  }
}

/** All servers in the one object that Xirsys makes of them. */
function merged(servers) {
  const { username, credential } = servers.find(({ credential }) => credential) ?? {};
  return { ...(credential && { username, credential }), urls: servers.flatMap(({ urls }) => urls) };
}

/** What of the options is more than a number or a text. */
function parsed() {
  try {
    const servers = JSON.parse(chosen.iceServers);
    if (!Array.isArray(servers) || !servers.every((server) => server?.urls)) throw new Error("--ice-servers is a JSON list of RTCIceServer");
    if (chosen.fail && !FAILURES[chosen.fail]) throw new Error(`--fail is one of ${Object.keys(FAILURES).join(", ")}`);
    if (!["", "session", "exchange", "relay"].includes(chosen.at)) throw new Error("--at is session, exchange or relay");
    if (!Object.hasOwn(MINTS, chosen.upstreamNames)) throw new Error("--upstream-names is ga or older");
    if (chosen.upstream) chosen.upstream = new URL(chosen.upstream).href.replace(/\/$/, "");
    return servers;
  } catch (error) {
    console.error(error.message);
    process.exit(2);
  }
}
