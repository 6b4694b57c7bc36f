// System B, the test server of an interview app: typed messages on a WebSocket at /ws; with --echo the server before it.

import { randomUUID } from "node:crypto";

import { question } from "./questions.mjs";
import { accept, keep, log, options, parse, serve, tell } from "./support.mjs";

/** Milliseconds from the start to the first question, and from an answer to the next one. */
const FIRST_QUESTION = 500;
const TYPING = 1_000;
const PORT = process.env.NODE_ENV === "test" ? 5001 : 5000;

const { port, test, echo, delayScale } = options({ port: PORT, test: false, echo: false, delayScale: 1 });
const sessions = new Map();

await serve({
  says: "system-b listening",
  port: test && port === PORT ? 5001 : port,
  sockets: { "/ws": (upgrade) => accept(upgrade, echo ? attachEcho : attachInterview) },
});

function attachEcho(ws) {
  ws.on("message", (data) => tell(ws, { type: "echo", message: data.toString() }));
}

function attachInterview(ws) {
  const timers = new Set();
  const later = (ms, run) => {
    const timer = setTimeout(() => timers.delete(timer) && run(), ms * delayScale);
    timers.add(timer);
  };
  ws.on("message", (data, isBinary) => {
    const message = isBinary ? undefined : parse(data.toString());
    if (typeof message?.type !== "string") return fail(ws, "Failed to process message", "Failed to process message: no JSON object with a type");
    handle(ws, later, message);
  });
  ws.on("close", () => timers.forEach(clearTimeout));
}

function handle(ws, later, { type, sessionId, text }) {
  const kind = type.toUpperCase();
  log(`← ${JSON.stringify(kind.slice(0, 40))}`);
  if (kind === "START_INTERVIEW") return start(ws, later);
  if (!Object.hasOwn(VERBS, kind)) return fail(ws, "Unknown message type", `Unknown message type: ${type}`);
  const session = sessions.get(sessionId);
  if (!session) {
    // A text made of anything else may throw.
    const error = `Session ${typeof sessionId === "string" ? sessionId : JSON.stringify(sessionId)} not found`;
    return fail(ws, error, error);
  }
  VERBS[kind]({ ws, later, session, text });
}

function start(ws, later) {
  const id = `session-${randomUUID()}`;
  const session = keep(sessions, id, { id, asked: 0, paused: false });
  tell(ws, { type: "SESSION_CREATED", sessionId: id });
  later(FIRST_QUESTION, () => ask(ws, session));
}

const VERBS = {
  USER_MESSAGE({ ws, later, session, text }) {
    if (typeof text !== "string") return fail(ws, "Failed to process message", "Failed to process message: text is missing");
    if (session.paused) return fail(ws, "Failed to process message", "Failed to process message: the interview is paused");
    tell(ws, { type: "TYPING_INDICATOR", isTyping: true });
    later(TYPING, () => {
      tell(ws, { type: "TYPING_INDICATOR", isTyping: false });
      ask(ws, session);
    });
  },

  PAUSE_INTERVIEW({ ws, session }) {
    session.paused = true;
    tell(ws, { type: "INTERVIEW_PAUSED", sessionId: session.id });
  },

  RESUME_INTERVIEW({ ws, session }) {
    session.paused = false;
    tell(ws, { type: "INTERVIEW_RESUMED", sessionId: session.id });
  },

  END_INTERVIEW({ ws, session }) {
    sessions.delete(session.id);
    tell(ws, { type: "INTERVIEW_ENDED", sessionId: session.id, resultsUrl: `/results/${session.id}` });
  },
};

/** Asks the next question, unless the interview has ended meanwhile. */
function ask(ws, session) {
  if (!sessions.has(session.id)) return;
  const text = question(session.asked++);
  tell(ws, { type: "AI_MESSAGE", id: `${session.id}-${session.asked}`, text, timestamp: new Date().toISOString() });
}

function fail(ws, error, message) {
  tell(ws, { type: "ERROR", error, message });
}
