// What a session comes to in pages with a content security policy, by policy, entry and browser; what of sound; what pages do that hold files to a digest; what extensions
// need. One JSON object a line.
//
// `node benches/csp.mjs [--only PATTERN]`, started by `cargo xtask measure csp`. A line's `expected` is what docs/strict-pages.md says of it.

import { parseArgs } from "node:util";

import { BROWSERS, startBrowser } from "../tests/e2e/support/browsers.mjs";
import { startHostile } from "../tests/e2e/support/hostile.mjs";
import { startServer } from "../tests/e2e/support/server.mjs";
import { digestPages } from "../tests/e2e/support/strict/digests.mjs";
import { EXTENSIONS, flagsFor, writeExtension } from "../tests/e2e/support/strict/extension.mjs";
import { ENTRIES, POLICIES, SOUNDS, expected, speech, strays } from "../tests/e2e/support/strict/policies.mjs";
import { FILES, startStrictSite } from "../tests/e2e/support/strict/site.mjs";
import { hear, sessionOf, visit } from "../tests/e2e/support/strict/visit.mjs";

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
    const seen = await visit(browser, sites, page, away, about).catch(nothing);
    tell(title, page, expected, seen);
  }
  await browser.stop();
}
if (BROWSERS.includes("chromium")) for (const name of Object.keys(EXTENSIONS)) for (const entry of ["throughline", "no-wasm"]) await extension(name, entry);
process.exit();

function tell(name, page, expected, seen) {
  const { outcome, errors, reports, ms } = seen;
  const stray = strays(page, seen);
  const ok = outcome === expected && !stray.length;
  console.log(JSON.stringify({ name, value: outcome, unit: "outcome", ok, expected, reports, ms, ...(!ok && { stray, errors }) }));
}

/** An extension's page and its service worker. */
async function extension(name, entry) {
  const places = ["page", "service-worker"].map((place) => [`csp.extension-${name}.${entry}.chromium.${place}`, place]).filter(([title]) => only.test(title));
  if (!places.length) return;
  const page = EXTENSIONS[name];
  const { folder, origin, remove } = await writeExtension(ENTRIES[entry].entry, page.policy);
  const [server, browser] = await Promise.all([startServer({ more: ["--origin", origin] }), startBrowser("chromium", { flags: flagsFor(folder) })]);
  for (const [title, place] of places) {
    const about = { ...sessionOf({ url: origin }, ENTRIES[entry], { url: `${server.url}/realtime` }), service: place === "service-worker" };
    const address = `${origin}/page.html?${new URLSearchParams({ about: JSON.stringify(about) })}`;
    tell(title, page, expected(page, ENTRIES[entry], "chromium"), await hear(browser, address).catch(nothing));
  }
  await Promise.all([browser.stop(), server.stop(), remove()]);
}

/** What came of a page that told nothing. */
function nothing({ message }) {
  return { outcome: message, errors: [], reports: [], stray: [] };
}

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
