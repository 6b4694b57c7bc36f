// Pages with a strict policy: what a session in them comes to, what its errors name, and that neither it nor the browser has more to say. All of it: benches/csp.mjs.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { BROWSERS, startBrowser } from "./support/browsers.mjs";
import { startHostile } from "./support/hostile.mjs";
import { startServer } from "./support/server.mjs";
import { ENTRIES, POLICIES, SOUNDS, expected, speech, strays } from "./support/strict/policies.mjs";
import { startStrictSite } from "./support/strict/site.mjs";
import { sessionOf, visit } from "./support/strict/visit.mjs";

/** Nobody listens there, and browsers allow it. */
const NOBODY = "http://127.0.0.1:2";
const TRANSPORTS = ["websocket", "sse", "long-poll"];
const TRIED = {
  throughline: [
    "no-wasm-unsafe-eval", "no-connect-src", "strict", "meta-no-wasm-unsafe-eval", "away-not-named", "away-http", "trusted-types", "strict-dynamic", "report-only", "sandbox", "worker",
    "worker-no-wasm-unsafe-eval", "worker-no-connect-src", "blob-worker",
  ],
  wasm: ["no-wasm-unsafe-eval", "no-connect-src", "strict", "trusted-types"],
  voice: ["strict", "trusted-types"],
  "no-wasm": ["no-wasm-unsafe-eval", "trusted-types"],
};
/** What an error has to name. */
const NAMED = { blocked: /connect-src/, wasm_blocked: /'wasm-unsafe-eval' in script-src/, worklet_blocked: /workletUrl.*script-src/ };

for (const name of BROWSERS) {
  describe(name, () => {
    let [server, sites, browser, ear] = [];
    before(async () => {
      [server, browser, ear] = await Promise.all([startServer({ more: ["--origin", "null"] }), startBrowser(name, { media: true }), startHostile()]);
      sites = await Promise.all([1, 2].map(() => startStrictSite(new URL(server.url))));
    });
    after(async () => {
      for (const site of sites ?? []) site.close();
      ear?.close();
      await Promise.all([browser?.stop(), server?.stop()]);
    });

    for (const [entry, policies] of Object.entries(TRIED)) {
      for (const policy of policies.filter((policy) => !POLICIES[policy].only?.[name])) {
        const page = POLICIES[policy];
        const comes = expected(page, ENTRIES[entry], name);
        test(`${entry}, ${policy}: ${comes}`, async () => {
          const url = `${(page.away ? server : sites[0]).url}/realtime`;
          const seen = await visit(browser, sites, page, server.url, sessionOf(sites[0], ENTRIES[entry], { url }));
          assert.equal(seen.outcome, comes, JSON.stringify(seen));
          assert.deepEqual(strays(page, seen), []);
          if (TRANSPORTS.includes(comes)) return;
          const { terminal, remediation } = seen.errors.at(-1);
          assert.equal(terminal, true);
          assert.match(remediation, NAMED[comes] ?? /./);
        });
      }
    }

    test("what a policy only reports is not taken for forbidden", async () => {
      const about = sessionOf(sites[0], ENTRIES.throughline, { url: `${NOBODY}/realtime`, transports: ["websocket"] });
      const seen = await visit(browser, sites, POLICIES["report-only-too-strict"], NOBODY, { ...about, errors: 1 });
      assert.deepEqual(seen.errors.map(({ code, terminal }) => [code, terminal]), [["refused", false]]);
    });

    test("an address that is forbidden to WebSockets is not taken for forbidden to requests", async () => {
      const about = sessionOf(sites[0], ENTRIES.throughline, { url: `${NOBODY}/realtime`, transports: ["websocket", "sse"] });
      const seen = await visit(browser, sites, POLICIES["away-http"], NOBODY, { ...about, errors: 2 });
      assert.deepEqual(seen.errors.map(({ code, transport }) => [code, transport]), [["blocked", "websocket"], ["refused", "sse"]]);
    });

    // WebKitGTK has no microphone.
    for (const policy of name === "webkit" ? [] : ["blob-not-named", "worklet-url"]) {
      const page = SOUNDS[policy];
      const { comes } = page;
      test(`voice, ${policy}: ${comes}`, async () => {
        ear.script.units = speech();
        const about = sessionOf(sites[0], ENTRIES.voice, { url: ear.url, dialect: "json", transports: ["websocket"], workletUrl: page.workletUrl });
        const seen = await visit(browser, sites, page, ear.url, { ...about, sound: true });
        assert.equal(seen.outcome, comes, JSON.stringify(seen));
        assert.deepEqual(strays(page, seen), []);
        if (comes !== "sound") assert.match(seen.errors[0].remediation, NAMED[comes]);
      });
    }
  });
}
