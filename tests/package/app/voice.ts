// An app of `throughline/voice`, and the mistakes that its compiler finds. Nothing here runs.

import { connect } from "throughline/voice";
import type { Options, VoiceLifecycleEvent } from "throughline/voice";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function is<_T extends true>(): void {}

interface Commands {
  START: { role: string };
}

const session = connect<{ AI_MESSAGE: { text: string } }, Commands, { START: { id: string } }>({ transports: ["webrtc", "websocket"], endpoints: { webrtc: "/offer" } });
session.on("AI_MESSAGE", ({ text }) => is<Equal<typeof text, string>>());
session.request("START", { role: "engineer" }).then(({ id }) => is<Equal<typeof id, string>>());
session.on("lifecycle", (told) => {
  is<Equal<typeof told, VoiceLifecycleEvent>>();
  if (told.name === "rung") is<Equal<typeof told.event.gapMs, number>>();
  if (told.name === "state") is<Equal<typeof told.event.to, typeof session.state>>();
});
session.audio.start().catch(() => {});
// @ts-expect-error a command is not heard
session.on("START", () => {});
// @ts-expect-error no payload
session.send("START");
// @ts-expect-error no such state of a microphone
session.audio.on("state", ({ to }) => to === "muted");

const openai = connect({ dialect: "openai" });
openai.on("lifecycle", (told) => {
  if (told.name === "rollover") is<Equal<typeof told.event.items, number>>();
  if (told.name === "recovered") is<Equal<typeof told.event.restored, "history" | "none">>();
});

export const options: Options[] = [
  { webrtc: { signaling: "json", iceServers: null! }, audio: { rate: 24_000 } },
  // @ts-expect-error no such signalling
  { webrtc: { signaling: "jsep" } },
  // @ts-expect-error another rate
  { audio: { rate: 44_100 } },
  // @ts-expect-error an option of sound misspelt
  { audio: { bargein: false } },
];
