// What the least use of each library weighs in a page once a bundler has minified it, ours beside others: one JSON object a line.
//
// `node benches/size.mjs`, started by `cargo xtask measure size`. `value` is brotli at its best, as servers make it of files that do not change; `min` is
// what the bundler wrote. esbuild writes ASCII unless told otherwise, which makes inlined wasm larger: `utf8` is the same with its `--charset=utf8`,
// as most other bundlers write.

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

import { bundled, versions } from "./support/apps.mjs";

/** Apps by the entry or the package that they stand for; what the page fetches beside the app. */
const OURS = {
  throughline: { app: "throughline" },
  "throughline/voice": { app: "throughline-voice" },
  "throughline/wasm": { app: "throughline-wasm", beside: "throughline.wasm" },
  "throughline/voice/wasm": { app: "throughline-voice-wasm", beside: "voice.wasm" },
  "throughline/no-wasm": { app: "throughline-no-wasm" },
};
const PEERS = {
  "partysocket/ws": { app: "partysocket", of: "partysocket" },
  "reconnecting-websocket": { app: "reconnecting-websocket" },
  "socket.io-client": { app: "socket.io-client" },
  "@microsoft/signalr": { app: "signalr" },
  "sockjs-client": { app: "sockjs-client" },
  centrifuge: { app: "centrifuge" },
  "ably/modular": { app: "ably-modular", of: "ably" },
  ably: { app: "ably" },
};

for (const [name, { app, beside }] of Object.entries(OURS)) await print(`app.${name}`, app, { beside });
for (const [name, { app, of = name }] of Object.entries(PEERS)) await print(`peer.${name}`, app, { version: versions[of] });

async function print(name, app, { beside, version }) {
  const more = beside ? await readFile(fileURLToPath(new URL(`../pkg/dist/${beside}`, import.meta.url))) : Buffer.alloc(0);
  const [ascii, utf8] = await Promise.all(["ascii", "utf8"].map(async (charset) => Buffer.from(await bundled(app, { charset }))));
  const [min, gzip, value] = [(bytes) => bytes, gzipped, compressed].map((made) => made(ascii).length + made(more).length);
  console.log(JSON.stringify({ name, value, unit: "bytes", min, gzip, utf8: compressed(utf8).length + compressed(more).length, version }));
}

function gzipped(bytes) {
  return bytes.length ? gzipSync(bytes, { level: 9 }) : bytes;
}

function compressed(bytes) {
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 22, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  return bytes.length ? brotliCompressSync(bytes, { params }) : bytes;
}
