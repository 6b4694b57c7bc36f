// System C, audio on serverless functions: start-session, audio-upload, audio-stream; the WebSocket is another host's, an
// edge function's, or nobody's.

import { randomUUID } from "node:crypto";

import { EventStream, Refused, accept, bytes, keep, options, parse, refuseUpgrade, serve, tell, text } from "./support.mjs";

/** How often a stream's function looks into the store, in milliseconds. */
const POLL = 50;
/** The sound of a session's start: 20 ms each of a tone, PCM16 mono at 24 kHz. */
const FRAME_MS = 20;
const RATE = 24_000;
const PITCH = 440;
const LOUDNESS = 8_000;
/** Sound kept of a session, in bytes. */
const KEPT = 8 << 20;
const DEPLOYMENTS = ["sse", "hybrid", "edge"];

const chosen = options({ port: 3003, wsPort: 0, deployment: "hybrid", frames: 50, cut: 0, reset: false, ids: false, stripUpgrade: false, unhealthy: 0 });
if (!DEPLOYMENTS.includes(chosen.deployment)) {
  console.error(`--deployment is one of ${DEPLOYMENTS.join(", ")}`);
  process.exit(2);
}
const sessions = new Map();
let unhealthy = chosen.unhealthy;

const external = await serve({ says: "system-c websocket", scheme: "ws", port: chosen.wsPort, sockets: { "/": (upgrade) => takeSocket(upgrade, 0) } });
const functions = await serve({
  says: "system-c listening",
  port: chosen.port,
  routes: {
    "POST /api/start-session": ({ body }) => {
      const session = start(text(body, "prompt"));
      return { sessionId: session.id, wsUrl: wsUrl(session) };
    },
    "POST /api/audio-upload": ({ body }) => {
      store(find(text(body, "sessionId")), bytes(body, "audioData"));
      return { success: true };
    },
    "GET /api/audio-stream": stream,
    "GET /api/health": () => {
      if (unhealthy > 0 && unhealthy--) throw new Refused(503, "Starting", { "Retry-After": "1" });
      return { status: "ok" };
    },
  },
  sockets: { "/api/edge": (upgrade) => (chosen.stripUpgrade ? refuseUpgrade(upgrade, 426) : takeSocket(upgrade, chosen.cut)) },
});

function wsUrl({ id }) {
  const at = { sse: null, hybrid: `${external}/`, edge: `${functions.replace("http", "ws")}/api/edge` }[chosen.deployment];
  return at && `${at}?sessionId=${id}`;
}

function start(prompt) {
  const id = randomUUID();
  const session = keep(sessions, id, { id, prompt, frames: [], bytes: 0, stored: 0, taken: 0, listeners: new Set() });
  let spoken = 0;
  const since = performance.now();
  // A timer is late each time; a clock is not.
  const speaking = setInterval(() => {
    const due = Math.min(chosen.frames, Math.floor((performance.now() - since) / FRAME_MS));
    while (spoken < due) store(session, tone(spoken++));
    if (spoken >= chosen.frames || !sessions.has(id)) clearInterval(speaking);
  }, FRAME_MS);
  return session;
}

function tone(number) {
  const samples = (RATE * FRAME_MS) / 1_000;
  const frame = Buffer.alloc(2 * samples);
  for (let i = 0; i < samples; i++) {
    frame.writeInt16LE(Math.round(LOUDNESS * Math.sin((2 * Math.PI * PITCH * (number * samples + i)) / RATE)), 2 * i);
  }
  return frame;
}

function find(id) {
  const session = sessions.get(id);
  if (!session) throw new Refused(404, "Session not found");
  return session;
}

function store(session, audio) {
  session.frames.push({ id: ++session.stored, audio });
  session.bytes += audio.length;
  while (session.bytes > KEPT) session.bytes -= session.frames.shift().audio.length;
  for (const listener of session.listeners) listener();
}

/** What is stored and nobody has taken yet. */
function take(session) {
  const frames = session.frames.filter(({ id }) => id > session.taken);
  session.taken = session.stored;
  return frames;
}

function stream({ request, response, query }) {
  const session = find(query.get("sessionId"));
  const stream = new EventStream(response);
  let last = Number(request.headers["last-event-id"] ?? query.get("lastEventId")) || 0;
  const poll = () => {
    if (!chosen.ids) return take(session).forEach(({ audio }) => stream.send({ audio: audio.toString("base64") }));
    for (const { id, audio } of session.frames.filter(({ id }) => id > last)) stream.send({ audio: audio.toString("base64") }, (last = id));
  };
  const polling = setInterval(poll, POLL);
  stream.onclose(() => clearInterval(polling));
  cutOff(chosen.cut, stream, () => (chosen.reset ? stream.reset() : stream.end()));
}

function takeSocket(upgrade, cut) {
  const session = sessions.get(upgrade.query.get("sessionId"));
  if (!session) return refuseUpgrade(upgrade, 404);
  accept(upgrade, (ws) => {
    const flush = () => take(session).forEach(({ audio }) => tell(ws, audio));
    session.listeners.add(flush);
    ws.on("close", () => session.listeners.delete(flush));
    ws.on("message", (data, isBinary) => {
      try {
        if (isBinary) store(session, data);
        else hear(ws, parse(data.toString()));
      } catch (error) {
        tell(ws, { error: error.message });
      }
    });
    cutOff(cut, { onclose: (run) => ws.once("close", run) }, () => (chosen.reset ? ws.terminate() : ws.close(1001)));
    flush();
  });
}

/** Sound in base64 is answered as it came. */
function hear(ws, message) {
  if (!message) throw new Refused(400, "Neither bytes nor a JSON object");
  tell(ws, { audio: bytes(message, "audio").toString("base64") });
}

/** Ends what a function serves after `seconds`, if there is a limit. */
function cutOff(seconds, open, end) {
  if (!seconds) return;
  const timer = setTimeout(end, 1_000 * seconds);
  open.onclose(() => clearTimeout(timer));
}
