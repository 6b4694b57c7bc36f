// What the types of the entries that are given their WebAssembly promise and forbid. Nothing here runs: `tsc` is the test.

import { connect as builtVoice, diagnose as builtDiagnose } from "../../pkg/js/wasm/voice.js";
import { connect as builtText } from "../../pkg/js/wasm/index.js";
import type { Session as TextSession } from "../../pkg/types/index.js";
import type { OpenAiSession, Session as VoiceSession } from "../../pkg/types/voice.js";
import { connect as connectVoice, diagnose } from "../../pkg/types/voice-wasm.js";
import { SessionError, connect } from "../../pkg/types/wasm.js";
import type { Options, WasmSource } from "../../pkg/types/wasm.js";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function is<_T extends true>(): void {}

interface Events {
  AI_MESSAGE: { text: string };
}

// What the JavaScript exports fits what is declared.
const declared: ((options: Options) => unknown)[] = [builtText, builtVoice];
const looked: typeof diagnose = builtDiagnose as typeof diagnose;
declared.map((connect) => connect({ wasm: "/throughline.wasm" }));
looked({ timeout: 5_000 });

declare const file: WasmSource;
const session = connect<Events>({ wasm: file, url: "/realtime" });
is<Equal<typeof session, TextSession<Events>>>();
const spoken = connectVoice<Events>({ wasm: file, transports: ["webrtc"] });
is<Equal<typeof spoken, VoiceSession<Events>>>();
const model = connectVoice({ wasm: file, dialect: "openai", token: () => "ek" });
is<Equal<typeof model, OpenAiSession<{}, {}>>>();
session.on("error", (error) => is<Equal<typeof error, SessionError>>());

// Every form of it, a promise of one, and a function that gives one.
connect({ wasm: "/throughline.wasm" });
connect({ wasm: new URL("https://example.com/throughline.wasm") });
connect({ wasm: new Request("/throughline.wasm", { integrity: "sha384-" }) });
connect({ wasm: fetch("/throughline.wasm") });
connect({ wasm: () => fetch("/throughline.wasm") });
connect({ wasm: async () => new Uint8Array(8) });
connect({ wasm: WebAssembly.compileStreaming(fetch("/throughline.wasm")) });

// @ts-expect-error connect() takes options
connect();
// @ts-expect-error `wasm` is missing
connect({ url: "/realtime" });
// @ts-expect-error `wasm` is missing
connectVoice({ dialect: "openai", token: () => "ek" });
// @ts-expect-error a number is no WebAssembly
connect({ wasm: 7 });
// @ts-expect-error nothing is none either
connect({ wasm: null });
