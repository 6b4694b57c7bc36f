// A page over https. The host that is forbidden does not exist: browsers decide before they look for it, and make an exception
// of their own machine.

import assert from "node:assert/strict";

import { inBrowsers } from "./support/suite.mjs";

inBrowsers((world) => {
  for (const transport of ["websocket", "sse", "long-poll"]) {
    world.check(`${transport}: an address without TLS is named as forbidden`, async (evaluate) => {
      const seen = await evaluate(async (transport) => {
        const { session, record } = await harness.open({ url: "ws://plain.invalid/realtime", transports: [transport] });
        await harness.until(() => session.state === "failed", 15_000, () => JSON.stringify(session.explain()));
        return record.errors.at(-1);
      }, transport);
      assert.deepEqual([seen.code, seen.terminal, seen.transport], ["blocked", true, transport]);
      assert.match(seen.remediation, /wss: or https:/);
    });
  }

  world.check("a host that does not exist is refused, not forbidden, over TLS", async (evaluate) => {
    const seen = await evaluate(async () => {
      const { session, record } = await harness.open({ url: "https://secure.invalid/realtime" });
      await harness.until(() => record.errors.length, 15_000);
      await session.close();
      return record.errors[0];
    });
    assert.deepEqual([seen.code, seen.terminal], ["refused", false]);
  });
}, { secure: true });
