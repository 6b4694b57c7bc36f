// An app of `throughline`, and the mistakes that its compiler finds. Nothing here runs.

import { SessionError, connect } from "throughline";
import type { ByCode, ErrorCode, ErrorCodes, LifecycleEvent, Options, Session } from "throughline";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function is<_T extends true>(): void {}

interface Events {
  AI_MESSAGE: { id: string; text: string };
  ENDED: undefined;
}

interface Commands {
  USER_MESSAGE: { text: string };
  START: { role: string };
  STOP: undefined;
  LIST: { limit?: number };
}

interface Replies {
  START: { id: string };
  LIST: string[];
}

const session = connect<Events, Commands, Replies>({ url: "/realtime" });
is<Equal<typeof session, Session<Events, Commands, Replies>>>();

// ---- What comes

session.on("AI_MESSAGE", ({ text }, { id }) => is<Equal<[typeof text, typeof id], [string, string | undefined]>>());
session.once("ENDED", (payload) => is<Equal<typeof payload, undefined>>());
session.on("message:AI_MESSAGE", ({ id }) => is<Equal<typeof id, string>>());
// @ts-expect-error no such event
session.on("AI_MESAGE", () => {});
// @ts-expect-error a command is not heard
session.on("USER_MESSAGE", () => {});
// @ts-expect-error a command is not heard, behind the prefix either
session.on("message:USER_MESSAGE", () => {});
// @ts-expect-error no such member
session.on("AI_MESSAGE", ({ texts }) => texts);
// @ts-expect-error a listener of another payload
session.once("AI_MESSAGE", (message: { text: number }) => message);
// @ts-expect-error no such option of listening
session.on("AI_MESSAGE", () => {}, { once: true });
// @ts-expect-error a command is not waited for
session.waitFor("START");

// ---- What is sent

session.send("USER_MESSAGE", { text: "hi" });
session.send("STOP");
session.send("STOP", undefined, { ttl: 1_000 });
session.send("LIST");
// @ts-expect-error no such command
session.send("USER_MESAGE", { text: "hi" });
// @ts-expect-error an event is not sent
session.send("AI_MESSAGE", { id: "1", text: "hi" });
// @ts-expect-error no payload
session.send("USER_MESSAGE");
// @ts-expect-error a member is missing
session.send("USER_MESSAGE", {});
// @ts-expect-error another kind of member
session.send("USER_MESSAGE", { text: 7 });
// @ts-expect-error a member too many
session.send("USER_MESSAGE", { text: "hi", txt: "hi" });
// @ts-expect-error no such option of sending
session.send("USER_MESSAGE", { text: "hi" }, { timeout: 1_000 });

// A function of the app's own may pass on what it is given.
export const say = <K extends keyof Commands>(type: K, payload: Commands[K]) => session.send(type, payload);

// ---- What is asked

export async function ask(signal?: AbortSignal): Promise<void> {
  const started = await session.request("START", { role: "engineer" }, { timeout: 5_000, signal });
  is<Equal<typeof started, { id: string }>>();
  is<Equal<string[], Awaited<ReturnType<typeof list>>>>();
  // @ts-expect-error nothing answers this command
  await session.request("USER_MESSAGE", { text: "hi" });
  // @ts-expect-error no payload
  await session.request("START");
  // @ts-expect-error another payload
  await session.request("START", { rule: "engineer" });
  // @ts-expect-error the reply has no such member
  (await session.request("START", { role: "engineer" })).name;
  // What is not declared is named by the call.
  const named = await session.request<{ ok: boolean }>("USER_MESSAGE", { text: "hi" });
  is<Equal<typeof named, { ok: boolean }>>();

  const ended = await session.waitFor("AI_MESSAGE");
  is<Equal<typeof ended, { id: string; text: string }>>();
  for await (const message of session.messages()) {
    if (message.type === "AI_MESSAGE") is<Equal<typeof message.payload, { id: string; text: string }>>();
    // @ts-expect-error no such type
    if (message.type === "USER_MESSAGE") break;
  }
}
const list = () => session.request("LIST");

// Without `Replies`, replies are unknown; without all, so is everything.
const half = connect<Events, Commands>();
is<Equal<ReturnType<typeof start>, Promise<unknown>>>();
const start = () => half.request("START", { role: "engineer" });
const loose = connect();
loose.on("anything", (payload) => is<Equal<typeof payload, unknown>>());
loose.send("anything");
loose.request("anything", 7).then((reply) => is<Equal<typeof reply, unknown>>());

// ---- What befalls the session

session.on("lifecycle", (told) => {
  is<Equal<typeof told, LifecycleEvent>>();
  switch (told.name) {
    case "state":
      return told.event.to === "connected";
    case "error":
      return told.event.remediation;
    case "retry":
      return told.event.inMs;
    case "transport":
    case "rtt":
    case "gap":
    case "drained":
    case "recovered":
      return told.event;
  }
  is<Equal<typeof told, never>>();
  return undefined;
});
session.on("lifecycle", (told) => {
  // @ts-expect-error messages are no such event
  if (told.name === "message") return;
  // @ts-expect-error an event of another name
  if (told.name === "retry") told.event.to;
});
// @ts-expect-error no such state
session.on("state", ({ to }) => to === "open");

// ---- Errors

const words: ByCode<string> = { outbox_full: "Slow down.", invalid: "Not as agreed." };
// @ts-expect-error no such code
const mistaken: ByCode<string> = { outbox_ful: "Slow down." };
is<Equal<keyof ErrorCodes, ErrorCode>>();
export const wordsOf = (error: unknown) => (error instanceof SessionError ? words[error.code] : mistaken.closed);

// ---- Options

export const options: Options[] = [
  { url: null, endpoints: { websocket: null, sse: "/events", send: new URL("https://example.com/send"), poll: undefined } },
  { endpoints: { websocket: async ({ signal }) => (signal.aborted ? null : "/ws") }, transports: ["sse", "websocket"] },
  { dialect: { name: "json", ready: "READY", reply: { type: "REPLY", match: "id" }, cut: "expected" } },
  // @ts-expect-error a transport misspelt
  { transports: ["websockets"] },
  // @ts-expect-error no list of transports
  { transports: "websocket" },
  // @ts-expect-error WebRTC is of throughline/voice
  { webrtc: { signaling: "whip" } },
  // @ts-expect-error so is sound
  { audio: { rate: 16_000 } },
  // @ts-expect-error and an address for it
  { endpoints: { webrtc: "/offer" } },
  // @ts-expect-error an option of the dialect misspelt
  { dialect: { name: "json", redy: "READY" } },
  // @ts-expect-error a dialect's options without its name
  { dialect: { ready: "READY" } },
  // @ts-expect-error no such dialect
  { dialect: "jsn" },
  // @ts-expect-error a dialect of throughline/voice
  { dialect: "openai" },
  // @ts-expect-error a token is a function, so that it can be fresh
  { token: "secret" },
  // @ts-expect-error an address misspelt
  { endpoints: { websockt: "/ws" } },
  // @ts-expect-error milliseconds are a number
  { timing: { proof: "1s" } },
  // @ts-expect-error no such way
  { outbox: { whenFull: "drop" } },
  // @ts-expect-error what looks at payloads is made by schemas()
  { check: { events: {} } },
];

// ---- Habits from elsewhere

// @ts-expect-error an address is an option
connect("/realtime");
// @ts-expect-error `state` says it
session.on("connect", () => {});
// @ts-expect-error listeners are added by `on`
session.addEventListener("message", () => {});
// @ts-expect-error and not assigned
session.onmessage = () => {};
// @ts-expect-error `send` does
session.emit("USER_MESSAGE", { text: "hi" });
// @ts-expect-error the type stands before the payload
session.send({ type: "USER_MESSAGE", text: "hi" });
// @ts-expect-error JSON is made by the session
session.send("USER_MESSAGE", JSON.stringify({ text: "hi" }));
// @ts-expect-error a reply is what `request` resolves with, not a callback
session.request("START", { role: "engineer" }, (reply: { id: string }) => reply.id);
// @ts-expect-error a token is text, not the answer that holds it
connect({ token: ({ signal }) => fetch("/api/token", { signal }) });
// @ts-expect-error delays are `timing.backoff`
connect({ reconnectionDelay: 1_000 });
