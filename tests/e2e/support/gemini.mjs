// Stands in for Gemini Live: as strict about what it is sent, and says what a test has it say, as JSON in binary messages.

import { WebSocketServer } from "ws";

import { Heard } from "../../systems/support/heard.mjs";

const KINDS = ["setup", "clientContent", "realtimeInput", "toolResponse"];
const INPUT = ["audio", "text", "activityStart", "activityEnd", "audioStreamEnd"];
const MIME = "audio/pcm;rate=16000";

/** What proto JSON refuses of a message, if anything. */
function misfit(message, isFirst) {
  const [kind, ...more] = Object.keys(message);
  const unknown = [kind, ...more].find((name) => !KINDS.includes(name)) ?? Object.keys(message.realtimeInput ?? {}).find((name) => !INPUT.includes(name));
  if (unknown || more.length) return `Unknown name "${unknown ?? more[0]}"`;
  if ((kind === "setup") !== isFirst) return "The first message is the setup, and no other";
  const { audio } = message.realtimeInput ?? {};
  if (audio && (audio.mimeType !== MIME || !Buffer.from(audio.data, "base64").length)) return "audio is not as it was promised";
}

/** Starts it. `links` hears of each connection: its `setup` and `key`, all it `heard` later, and `say()` and `close()`. */
export async function startGemini() {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await new Promise((resolve) => server.once("listening", resolve));
  const links = new Heard("links to Gemini");
  server.on("connection", (socket, request) => {
    const heard = new Heard("messages to Gemini");
    const say = (message) => socket.send(Buffer.from(JSON.stringify(message)));
    let setup;
    socket.on("message", (data) => {
      const message = JSON.parse(data);
      const why = misfit(message, !setup);
      if (why) return socket.close(1007, why);
      if (setup) return heard.add(message);
      ({ setup } = message);
      say({ setupComplete: {} });
      links.add({ setup, key: request.headers["x-goog-api-key"], heard, say, close: (code, why) => socket.close(code, why) });
    });
  });
  return {
    url: `ws://127.0.0.1:${server.address().port}`,
    links,
    stop() {
      for (const socket of server.clients) socket.terminate();
      server.close();
    },
  };
}

/** So many seconds of a tone, as a turn's parts: PCM16 at 24 kHz. */
export function turn(seconds) {
  const pcm = Int16Array.from({ length: 24_000 * seconds }, (_, i) => 8_000 * Math.sin((2 * Math.PI * 440 * i) / 24_000));
  const bytes = Buffer.from(pcm.buffer);
  const parts = [];
  for (let at = 0; at < bytes.length; at += 9_600) parts.push({ inlineData: { mimeType: "audio/pcm;rate=24000", data: bytes.subarray(at, at + 9_600).toString("base64") } });
  return { serverContent: { modelTurn: { parts } } };
}
