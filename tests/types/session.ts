// What the declared types promise and forbid. Nothing here runs: `tsc` is the test.

import { connect as built } from "../../pkg/js/index.js";
import { SessionError, connect } from "../../pkg/types/index.js";
import type { ErrorCode, Message, Options, Session, State, StateChange, Transport } from "../../pkg/types/index.js";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function is<_T extends true>(): void {}

interface Events {
  AI_MESSAGE: { text: string };
  TYPING: { isTyping: boolean };
  state: { named: "like an event of the session" };
}

interface Commands {
  USER_MESSAGE: { text: string };
  AUDIO: Uint8Array;
  PAUSE: undefined;
}

const session = connect<Events, Commands>({ url: "/realtime" });
is<Equal<typeof session, Session<Events, Commands>>>();
is<Equal<typeof session.state, State>>();
is<Equal<typeof session.transport, Transport | null>>();

// What the JavaScript exports fits what is declared.
const declared: typeof connect = built;
declared();

// Messages by type.
session.on("AI_MESSAGE", (message) => is<Equal<typeof message, { text: string }>>());
session.on("message:AI_MESSAGE", (message) => is<Equal<typeof message, { text: string }>>());
session.once("TYPING", ({ isTyping }) => is<Equal<typeof isTyping, boolean>>());
// @ts-expect-error no such message
session.on("AI_MESAGE", () => {});
// @ts-expect-error no such message behind the prefix
session.on("message:AI_MESAGE", () => {});
// @ts-expect-error the payload has no such member
session.on("AI_MESSAGE", (message) => message.texts);
// @ts-expect-error a listener of another payload
session.on("AI_MESSAGE", (message: { isTyping: boolean }) => message);
// @ts-expect-error a listener is a function
session.on("AI_MESSAGE", "listener");

// A message with the name of an event of the session is heard behind the prefix; the bare name stays the session's.
session.on("message:state", (message) => is<Equal<typeof message.named, "like an event of the session">>());
session.on("state", (change) => is<Equal<typeof change, StateChange>>());

// Events of the session's own.
session.on("state", ({ from, to, error }) => {
  is<Equal<typeof from, State>>();
  is<Equal<typeof to, State>>();
  is<Equal<typeof error, SessionError | undefined>>();
});
session.on("error", (error) => is<Equal<typeof error, SessionError>>());
session.on("retry", ({ inMs }) => is<Equal<typeof inMs, number>>());
session.on("rtt", ({ ms }) => is<Equal<typeof ms, number>>());
session.on("message", (message) => {
  is<Equal<typeof message, Message<Events>>>();
  if (message.type === "AI_MESSAGE") is<Equal<typeof message.payload, { text: string }>>();
});
const stop: () => void = session.on("gap", () => {}, { signal: new AbortController().signal });
stop();
session.once("AI_MESSAGE", () => {}, { kept: true });
session.forget();
session.retry();
session.off("AI_MESSAGE");
// @ts-expect-error no such message
session.off("AI_MESAGE");

// Commands by type.
const sent: Promise<void> = session.send("USER_MESSAGE", { text: "hi" });
void sent;
void session.send("AUDIO", new Uint8Array(3), { signal: new AbortController().signal });
void session.send("PAUSE");
// @ts-expect-error no such command
void session.send("USER_MESAGE", { text: "hi" });
// @ts-expect-error not its payload
void session.send("USER_MESSAGE", { txt: "hi" });
// @ts-expect-error an event is no command
void session.send("AI_MESSAGE", { text: "hi" });
// @ts-expect-error not its payload
void session.send("AUDIO", "base64");

async function waits(): Promise<void> {
  const reply = await session.request<{ id: string }>("USER_MESSAGE", { text: "hi" }, { timeout: 1_000 });
  is<Equal<typeof reply, { id: string }>>();
  const unknown = await session.request("USER_MESSAGE", { text: "hi" });
  is<Equal<typeof unknown, unknown>>();
  const message = await session.waitFor("AI_MESSAGE", { timeout: 1_000 });
  is<Equal<typeof message, { text: string }>>();
  // @ts-expect-error no such message
  await session.waitFor("AI_MESAGE");
  // @ts-expect-error no such option
  await session.waitFor("AI_MESSAGE", { timeOut: 1_000 });
  for await (const message of session.messages()) is<Equal<typeof message, Message<Events>>>();
  await session.close();
}
void waits;

// Without maps every name and payload goes, and payloads are unknown.
const loose = connect();
loose.on("anything", (payload) => is<Equal<typeof payload, unknown>>());
void loose.send("anything", { at: "all" });

// Errors.
function judge(error: unknown): string | undefined {
  if (!(error instanceof SessionError)) return undefined;
  is<Equal<typeof error.code, ErrorCode>>();
  is<Equal<typeof error.terminal, boolean>>();
  // @ts-expect-error no such code
  if (error.code === "unserializable") return undefined;
  // @ts-expect-error what an error says stays as it is
  error.code = "closed";
  return error.remediation;
}
void judge;

// Options.
const options: Options[] = [
  { url: new URL("https://example.com/realtime"), transports: ["sse", "websocket"] },
  { url: null, endpoints: { websocket: async ({ transport, signal }) => (signal.aborted ? null : `/ws/${transport}`) } },
  { dialect: { name: "json", ready: "READY", alias: { A: "B" }, reply: { type: "REPLY", match: "id" } } },
  { token: async ({ reason, signal }) => `${reason} ${signal.aborted}`, credentials: "include" },
  {
    dialect: {
      name: "json", type: (message) => message.kind, ignoreCase: true, ready: ["A", "B"], raw: true, session: { from: "A", start: async () => ({ id: 1, wsUrl: null }) },
      hello: ({ reconnect, sessionId, token }) => (reconnect ? { type: "RESUME", sessionId, token } : undefined), errors: { type: "ERROR" }, cut: "expected", health: "/health",
      post: { sound: ({ data }) => ({ path: "up", body: { data } }), "*": { method: "PUT" } }, poll: { cursor: (last, answer) => ({ after: answer?.cursor ?? last.id }) },
    },
  },
  {
    endpoints: { websocket: ({ lastEventId }) => `/events?after=${lastEventId?.length}` },
    dialect: { name: "json", protocols: "ws+meta.nchan", poll: { held: true }, envelope: ({ data, id }) => (id ? { data, id } : undefined) },
  },
  // @ts-expect-error an envelope gives what was in it
  { dialect: { name: "json", envelope: ({ data }) => data } },
  // @ts-expect-error no such option of the dialect
  { dialect: { name: "json", typ: "kind" } },
  // @ts-expect-error a cut is expected, or learned
  { dialect: { name: "json", cut: true } },
  { timing: { climb: 1_000, backoff: [1, 2, 3, 4] }, outbox: { whenFull: "reject" } },
  // @ts-expect-error no such transport
  { transports: ["webtransport"] },
  // @ts-expect-error no such dialect
  { dialect: "xml" },
  // @ts-expect-error a token is a function, so that it can be fresh
  { token: "secret" },
  // @ts-expect-error four windows
  { timing: { backoff: [1, 2, 3] } },
  // @ts-expect-error no such option
  { retries: 3 },
];
void options;
