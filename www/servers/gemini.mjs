// A backend between pages and Gemini Live: it has the API key, and passes messages on as they are.

import { WebSocket } from "ws";

import { accept, log, options, refuseUpgrade, relay, serve } from "./support.mjs";

const HANDSHAKE_TIMEOUT = 20_000;

const chosen = options({
  port: 3006,
  upstream: "wss://generativelanguage.googleapis.com/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent",
  upstreamKey: process.env.GEMINI_API_KEY ?? "",
});

await serve({ says: "system-gemini listening", port: chosen.port, sockets: { "/api/live": handleSocket } });

async function handleSocket(upgrade) {
  try {
    const upstream = await reach();
    if (upgrade.socket.destroyed) upstream.terminate();
    else accept(upgrade, (ws) => relay(ws, upstream));
  } catch (error) {
    log(`relay: ${error.message}`);
    refuseUpgrade(upgrade, 502);
  }
}

/** Opens the other side, which says nothing before it was spoken to; what it says then waits for the page. */
function reach() {
  return new Promise((resolve, reject) => {
    const upstream = new WebSocket(chosen.upstream, { headers: { "x-goog-api-key": chosen.upstreamKey }, handshakeTimeout: HANDSHAKE_TIMEOUT });
    upstream.once("open", () => {
      upstream.pause();
      upstream.off("error", reject);
      resolve(upstream);
    });
    upstream.once("error", reject);
  });
}
