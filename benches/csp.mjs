// What a session comes to in pages with a content security policy, by policy, entry and browser; what of sound; what pages do that hold scripts to a digest. One JSON object a line.
//
// `node benches/csp.mjs [--only PATTERN]`, started by `cargo xtask measure csp`. A line's `expected` is what docs/strict-pages.md says of it.

import { parseArgs } from "node:util";

import { BROWSERS, startBrowser } from "../tests/e2e/support/browsers.mjs";
import { startHostile } from "../tests/e2e/support/hostile.mjs";
import { startServer } from "../tests/e2e/support/server.mjs";
import { digestPages } from "../tests/e2e/support/strict/digests.mjs";
import { ENTRIES, POLICIES, SOUNDS, expected, speech, strays } from "../tests/e2e/support/strict/policies.mjs";
import { FILES, startStrictSite } from "../tests/e2e/support/strict/site.mjs";
import { sessionOf, visit } from "../tests/e2e/support/strict/visit.mjs";

const { values } = parseArgs({ options: { only: { type: "string", default: "" } } });
const only = new RegExp(values.only);
// The origin of a page in a sandbox.
const server = await startServer({ more: ["--origin", "null"] });
const ear = await startHostile();
ear.script.units = speech();
const sites = await Promise.all([1, 2].map(() => startStrictSite(new URL(server.url))));
const [site] = sites;
const digested = await digestPages(FILES);
for (const name of BROWSERS) {
  const chosen = [...policies(name), ...(name === "webkit" ? [] : sounds(name)), ...digests(name)].filter(({ title }) => only.test(title));
  if (!chosen.length) continue;
  const browser = await startBrowser(name, { media: true, flags: ["--autoplay-policy=no-user-gesture-required"] });
  for (const { title, page, away, about, expected } of chosen) {
    const seen = await visit(browser, sites, page, away, about).catch((error) => ({ outcome: error.message, reports: [], stray: [] }));
    const { outcome, errors, reports, ms } = seen;
    const stray = strays(page, seen);
    const ok = outcome === expected && !stray.length;
    console.log(JSON.stringify({ name: title, value: outcome, unit: "outcome", ok, expected, reports, ms, ...(!ok && { stray, errors }) }));
  }
  await browser.stop();
}
process.exit();

function* policies(browser) {
  for (const [policy, page] of Object.entries(POLICIES)) {
    for (const [name, entry] of Object.entries(ENTRIES)) {
      const url = `${page.away ? server.url : site.url}/realtime`;
      yield { title: `csp.${policy}.${name}.${browser}`, page, away: server.url, about: sessionOf(site, entry, { url }), expected: expected(page, entry, browser) };
    }
  }
}

function* sounds(browser) {
  for (const [policy, page] of Object.entries(SOUNDS)) {
    for (const name of ["voice", "voice-wasm"]) {
      const options = { url: ear.url, dialect: "json", transports: ["websocket"], workletUrl: page.workletUrl };
      const about = { ...sessionOf(site, ENTRIES[name], options), sound: true };
      yield { title: `csp.sound.${policy}.${name}.${browser}`, page, away: ear.url, about, expected: expected(page, ENTRIES[name], browser) };
    }
  }
}

function* digests(browser) {
  for (const [how, { page, entry, wasm, comes, only }] of Object.entries(digested)) {
    const about = { entry, options: { url: `${site.url}/realtime`, wasm } };
    yield { title: `csp.integrity.${how}.${browser}`, page, about, expected: only?.[browser] ?? comes };
  }
}
