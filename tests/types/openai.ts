// What the types of the dialect `openai` promise and forbid. Nothing here runs: `tsc` is the test.

import { connect } from "../../pkg/types/voice.js";
import type { ConversationMessage, OpenAiResponse, OpenAiSession, Session, SessionError } from "../../pkg/types/voice.js";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function is<_T extends true>(): void {}

// Events are known without a word about them.
const session = connect({ dialect: "openai", token: async () => ({ value: "ek" }) });
session.on("response.output_audio_transcript.delta", ({ delta }) => is<Equal<typeof delta, string>>());
session.on("input_audio_buffer.speech_started", ({ item_id }) => is<Equal<typeof item_id, string>>());
session.on("error", (error) => is<Equal<typeof error, SessionError>>());
session.on("rollover", ({ items }) => is<Equal<typeof items, number>>());
session.on("recovered", ({ restored }) => is<Equal<typeof restored, "history" | "none">>());
session.on("progress", ({ ms }) => is<Equal<typeof ms, number>>());
// @ts-expect-error the names of before are not told
session.on("response.audio.delta", () => {});

session.send("response.create");
session.send("conversation.item.create", { item: { type: "message", role: "user", content: [{ type: "input_text", text: "hi" }] } });
// @ts-expect-error no such command
session.send("response.creat", {});

// A question is answered by the event that follows from it.
session.request("response.create", {}).then(({ response }) => is<Equal<typeof response, OpenAiResponse>>());
session.request("conversation.item.delete", { item_id: "item_1" }).then(({ item_id }) => is<Equal<typeof item_id, string>>());
// @ts-expect-error nothing answers it
session.request("input_audio_buffer.append", { audio: "" });

session.conversation.on("change", ({ messages, captions }) => {
  is<Equal<typeof messages, ConversationMessage[]>>();
  is<Equal<typeof captions.agent, string>>();
});

// A backend that makes the session and passes the offer on; a tool; events of a relay's own.
const interview = connect<{ "relay.note": { text: string } }>({
  dialect: {
    name: "openai",
    start: ({ token, signal }) => fetch("/api/realtime-session", { method: "POST", headers: { Authorization: `Bearer ${token}` }, signal }),
    session: async ({ reconnect }) => ({ instructions: reconnect ? "Go on." : "Begin.", audio: { input: { turn_detection: null } } }),
    tools: { note: { description: "Notes an answer", parameters: { type: "object" }, run: ({ topic }: { topic: string }, { signal }) => fetch(`/note/${topic}`, { signal }) } },
    rollover: { after: 1_000 },
    history: 20,
  },
  endpoints: { webrtc: "/api/webrtc-exchange", websocket: ({ sessionId }) => `/api/realtime?sessionId=${sessionId}` },
  webrtc: { iceServers: "/api/ice-servers", signaling: { name: "json", body: ({ id }) => ({ sessionId: id, model: "gpt-realtime" }) }, channel: { label: "messages" } },
});
interview.on("relay.note", ({ text }) => is<Equal<typeof text, string>>());
interview.on("response.done", ({ response }) => is<Equal<typeof response, OpenAiResponse>>());
is<Equal<typeof interview, OpenAiSession<{ "relay.note": { text: string } }, {}>>>();

// @ts-expect-error no event stream in this dialect
connect({ dialect: "openai", transports: ["sse"] });
// @ts-expect-error a tool runs
connect({ dialect: { name: "openai", tools: { note: { description: "x" } } } });
// Other dialects are as before.
const plain: Session = connect({ dialect: "json" });
plain.close();
