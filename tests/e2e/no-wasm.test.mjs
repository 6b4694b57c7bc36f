// The entry without WebAssembly: over every transport of a page whose policy allows nothing but the site's own scripts.

import assert from "node:assert/strict";

import { inBrowsers } from "./support/suite.mjs";

const TRANSPORTS = ["websocket", "sse", "long-poll"];

inBrowsers((world) => {
  for (const transport of TRANSPORTS) {
    world.check(`${transport}: a strict page's session talks, loses its link and goes on`, async (evaluate) => {
      const options = { entry: "no-wasm", url: `${world.server.url}/realtime`, transports: [transport], remember: false };
      await evaluate(async (options) => {
        window.opened = await harness.connected(options);
        const { session } = window.opened;
        window.echoes = [];
        session.on("ECHO", (n) => window.echoes.push(n));
        for (let n = 0; n < 50; n++) await session.send("ECHO", n);
        await harness.until(() => window.echoes.length === 50);
      }, options);
      await world.server.cut("websocket", "sse", "poll");
      const seen = await evaluate(async () => {
        const { session, record } = window.opened;
        for (let n = 50; n < 100; n++) await session.send("ECHO", n);
        await harness.until(() => window.echoes.length === 100);
        const reply = await session.request("ECHO", { bytes: "żółć" });
        await session.close();
        return { reply, echoes: window.echoes, errors: record.errors.map(({ terminal }) => terminal), gaps: record.gaps, files: performance.getEntriesByType("resource").filter(({ name }) => /wasm$/.test(name)).length };
      });
      assert.deepEqual(seen.echoes, Array.from({ length: 100 }, (_, n) => n));
      assert.deepEqual([seen.reply, seen.gaps, seen.files], [{ bytes: "żółć" }, 0, 0]);
      assert.ok(!seen.errors.includes(true));
    }, { page: { csp: `script-src 'self'; connect-src *` }, allowed: [/WebSocket|EventSource|Failed to load|ERR_|NetworkError|connection/i] });
  }
});
