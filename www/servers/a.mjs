// System A, an interview app: a session by POST, audio and text up by POST, events down by `EventSource`; and a WebSocket
// on the same port, where what hosts the app lets it be.

import { randomUUID } from "node:crypto";

import { question } from "./questions.mjs";
import { EventStream, Refused, accept, bytes, keep, options, parse, refuseUpgrade, serve, tell, text } from "./support.mjs";

const API = "/api/interview-v2";
/** Events kept for a session that nobody listens to. */
const WAITING = 100;

const { port, httpOnly, upgradeRequired, hang } = options({ port: 3001, httpOnly: false, upgradeRequired: false, hang: false });
const sessions = new Map();

await serve({
  says: "system-a listening",
  port,
  routes: {
    [`POST ${API}/session`]: () => ({ sessionId: open().id }),
    [`POST ${API}/text`]: ({ body }) => {
      hear(find(text(body, "sessionId")), { text: text(body, "text") });
      return { success: true };
    },
    [`POST ${API}/audio`]: ({ body }) => {
      hear(find(text(body, "sessionId")), { audio: bytes(body, "audioData") });
      return { success: true };
    },
    [`GET ${API}/stream`]: ({ response, query }) => {
      const session = find(query.get("sessionId"));
      const stream = new EventStream(response);
      stream.onclose(listen(session, (event) => stream.send(inText(event))));
    },
  },
  // A deleted route is one that nobody takes: 404.
  sockets: httpOnly ? {} : { [`${API}/ws`]: takeSocket },
});

function takeSocket(upgrade) {
  if (upgradeRequired) return refuseUpgrade(upgrade, 426);
  if (hang) return void upgrade.socket.on("end", () => upgrade.socket.end()).resume();
  const id = upgrade.query.get("sessionId");
  const session = id === null ? open() : sessions.get(id);
  if (!session) return refuseUpgrade(upgrade, 404);
  accept(upgrade, (ws) => {
    ws.on("close", listen(session, (event) => tell(ws, event.audio ?? event)));
    ws.on("message", (data, isBinary) => {
      try {
        hear(session, isBinary ? { audio: data } : read(data.toString()));
      } catch (error) {
        tell(ws, { type: "error", error: error.message });
      }
    });
  });
}

/** What a client says on its WebSocket: `{ type: "text", text }` or `{ type: "audio", audio }`, or else bytes. */
function read(data) {
  const message = parse(data);
  if (message?.type === "text") return { text: text(message, "text") };
  if (message?.type === "audio") return { audio: bytes(message, "audio") };
  throw new Refused(400, "Neither text nor audio");
}

function open() {
  const id = randomUUID();
  const session = keep(sessions, id, { id, asked: 0, waiting: [], listeners: new Set() });
  ask(session);
  return session;
}

function find(id) {
  const session = sessions.get(id);
  if (!session) throw new Refused(404, "Session not found");
  return session;
}

/** A text is answered by the next question, sound by itself. */
function hear(session, { audio }) {
  if (audio) say(session, { type: "audio", audio });
  else ask(session);
}

function ask(session) {
  say(session, { type: "text", id: `${session.id}-${session.asked + 1}`, text: question(session.asked++) });
}

function say(session, event) {
  for (const listener of session.listeners) listener(event);
  if (session.listeners.size) return;
  session.waiting.push(event);
  if (session.waiting.length > WAITING) session.waiting.shift();
}

/** Gives a listener what waited and what comes; what is returned ends it. */
function listen(session, listener) {
  listener({ type: "session", sessionId: session.id });
  for (const event of session.waiting.splice(0)) listener(event);
  session.listeners.add(listener);
  return () => session.listeners.delete(listener);
}

function inText(event) {
  return event.audio ? { ...event, audio: event.audio.toString("base64") } : event;
}
