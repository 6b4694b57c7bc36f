// An app that gives the package its WebAssembly. Nothing here runs.

import { useSession } from "throughline/react";
import file from "throughline/throughline.wasm";
import { connect as connectVoice, diagnose } from "throughline/voice/wasm";
import voiceFile from "throughline/voice.wasm";
import { SessionError, connect } from "throughline/wasm";
import type { Options, Session, WasmSource } from "throughline/wasm";

interface Events {
  AI_MESSAGE: { text: string };
}

const options: Options = { wasm: file, url: "/realtime" };
export const session: Session<Events> = connect<Events>(options);
export const voice = connectVoice<Events>({ wasm: async () => voiceFile, audio: { rate: 24000 } });
void voice.audio.start().catch((error: unknown) => error instanceof SessionError && error.code === "wasm_mismatch");
void diagnose({ wasm: voiceFile });
void diagnose();

const sources: WasmSource[] = [file, voiceFile, "/throughline.wasm"];
export const joinRoom = (room: string) => connect<Events>({ wasm: sources[0] ?? file, url: `/rooms/${room}` });
export const useRoom = (room: string) => useSession(joinRoom, room);

// @ts-expect-error `wasm` is missing
connect({ url: "/realtime" });
