// Somebody who speaks, for a browser's fake microphone: one of the interviewer's own recordings, and a pause, again and again.

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const RECORDING = new URL("../../../crates/server/assets/voice/5.ul", import.meta.url);
const RATE = 8_000;
const PAUSE = 2 * RATE;

/** Writes the speech where Chromium can read it. */
export async function writeSpeech() {
  const folder = await mkdtemp(join(tmpdir(), "throughline-speech-"));
  const path = join(folder, "speech.wav");
  await writeFile(path, wav(Int16Array.from(await readFile(RECORDING), linear)));
  return { flags: [`--use-file-for-fake-audio-capture=${path}`], remove: () => rm(folder, { recursive: true }) };
}

/** One sample of G.711 µ-law. */
function linear(byte) {
  const code = ~byte & 0xff;
  const size = ((((code & 0x0f) << 3) + 0x84) << ((code >> 4) & 7)) - 0x84;
  return code & 0x80 ? -size : size;
}

function wav(samples) {
  const data = (samples.length + PAUSE) * 2;
  const file = Buffer.alloc(44 + data);
  file.write("RIFF", 0);
  file.writeUInt32LE(36 + data, 4);
  file.write("WAVEfmt ", 8);
  file.writeUInt32LE(16, 16);
  file.writeUInt16LE(1, 20);
  file.writeUInt16LE(1, 22);
  file.writeUInt32LE(RATE, 24);
  file.writeUInt32LE(RATE * 2, 28);
  file.writeUInt16LE(2, 32);
  file.writeUInt16LE(16, 34);
  file.write("data", 36);
  file.writeUInt32LE(data, 40);
  samples.forEach((sample, i) => file.writeInt16LE(sample, 44 + i * 2));
  return file;
}
