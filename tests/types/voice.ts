// What the types of `throughline/voice` promise and forbid. Nothing here runs: `tsc` is the test.

import { connect as builtConnect, diagnose as builtDiagnose } from "../../pkg/js/voice/index.js";
import { SessionError, connect, diagnose } from "../../pkg/types/voice.js";
import type { Check, Diagnosis, Options, Progress, WebRtcStats } from "../../pkg/types/voice.js";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function is<_T extends true>(): void {}

interface Events {
  AI_MESSAGE: { text: string };
}

const session = connect<Events>({
  url: "/realtime",
  transports: ["webrtc", "websocket"],
  endpoints: { webrtc: "/offer", websocket: null },
  webrtc: {
    signaling: { name: "json", fields: { sdp: "offer", token: null }, body: { sessionId: "s1" } },
    iceServers: async ({ signal }) => (await fetch("/ice", { signal })).json(),
    iceTransportPolicy: "relay",
    gathering: "wait",
    channel: { label: "oai-events", ordered: true },
  },
});

// What the JavaScript exports fits what is declared.
const declared: (options?: Options) => unknown = builtConnect;
declared();
const looked: typeof diagnose = builtDiagnose as typeof diagnose;
looked();

// Events of its own beside the session's and the application's.
session.on("progress", (event) => is<Equal<typeof event, Progress>>());
session.once("progress", ({ step }) => is<Equal<typeof step, "microphone" | "api" | "session" | "transport" | "audio">>());
session.on("AI_MESSAGE", (message) => is<Equal<typeof message, { text: string }>>());
session.on("error", (error) => is<Equal<typeof error, SessionError>>());
// @ts-expect-error no such event or message
session.on("progres", () => {});

session.webrtcStats().then((figures) => is<Equal<typeof figures, WebRtcStats | null>>());
diagnose({ url: "/realtime", timeout: 5_000 }).then((diagnosis) => {
  is<Equal<typeof diagnosis, Diagnosis>>();
  const [check] = diagnosis.checks;
  is<Equal<typeof check, Check>>();
});

// Offers are exchanged by a function that gives text or what holds it.
connect({ webrtc: { signaling: (offer, { reason }) => (reason === "restart" ? { sdp: offer } : offer) } });
// @ts-expect-error no such dialect
connect({ webrtc: { signaling: "smoke" } });
// @ts-expect-error no such policy
connect({ webrtc: { iceTransportPolicy: "none" } });
// @ts-expect-error an exchange gives text
connect({ webrtc: { signaling: () => 7 } });

// Sound in a plain server's own messages: made of bytes, found as bytes, base64, or with what befalls the stream.
connect({
  dialect: "json",
  audio: {
    messages: {
      chunk: (pcm) => (is<Equal<typeof pcm, Uint8Array>>(), ["sound", { pcm }]),
      interrupt: ({ ms }) => (ms > 100 ? ["stop"] : undefined),
      hear: { audio: "audio", binary: (pcm) => pcm, turn: ({ parts, over }) => ({ audio: parts, end: over }) },
    },
  },
});
// @ts-expect-error without a way up
connect({ audio: { messages: { hear: { audio: "audio" } } } });
// @ts-expect-error sound is no number
connect({ audio: { messages: { chunk: "sound", hear: { audio: () => 7 } } } });
