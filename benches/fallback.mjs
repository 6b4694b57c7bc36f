// How long a session takes to reach a link that lasts when a transport is broken: one JSON object a line.
//
// `node benches/fallback.mjs [--only PATTERN]`, started by `cargo xtask measure fallback`. Each figure is the worst of three
// runs, each in a fresh page with an empty storage, against a server and a proxy of its own: Firefox holds the next
// WebSocket to an address back after one that failed.

import { parseArgs } from "node:util";

import { startBrowser } from "../tests/e2e/support/browsers.mjs";
import { startServer } from "../tests/e2e/support/server.mjs";
import { startSite } from "../tests/e2e/support/site.mjs";

const RUNS = 3;
const LIMIT = 2_000;
const REFUSE403 = { kind: "refuse403" };
const RST = { kind: "rst" };
const HANG = { kind: "hang" };
const SWALLOW = { kind: "swallow" };
const FLAP_PASS = { kind: "flap", ms: 100, pass: true };
const FLAP_NOPASS = { kind: "flap", ms: 100, pass: false };
const MUTE_SSE = { kind: "mute-sse" };

const CASES = [
  { name: "refuse403", rules: [REFUSE403] },
  { name: "rst", rules: [RST] },
  { name: "hang", rules: [HANG] },
  { name: "swallow", rules: [SWALLOW] },
  { name: "flap-pass", rules: [FLAP_PASS] },
  { name: "flap-nopass", rules: [FLAP_NOPASS] },
  { name: "mute-sse", rules: [MUTE_SSE], options: { transports: ["sse", "long-poll"] } },
  { name: "swallow+mute", rules: [SWALLOW, MUTE_SSE], limit: 4_000 },
  { name: "json.refuse403", rules: [REFUSE403], json: true },
  { name: "json.rst", rules: [RST], json: true },
  { name: "json.hang", rules: [HANG], json: true },
  { name: "json.flap-pass", rules: [FLAP_PASS], json: true },
  { name: "json.flap-nopass", rules: [FLAP_NOPASS], json: true },
  { name: "delay100.transport", measure: settledTransport },
  { name: "climb-back", measure: climbBack },
];

const { values } = parseArgs({ options: { only: { type: "string" } } });
const only = new RegExp(values.only ?? "");
const site = await startSite();
for (const name of ["chromium", "firefox"]) {
  const chosen = CASES.filter((it) => only.test(`fallback.${name}.${it.name}`));
  if (!chosen.length) continue;
  const browser = await startBrowser(name);
  for (const it of chosen) {
    const figure = await (it.measure ?? reach)(browser, it).catch((error) => ({ value: null, ok: false, error: error.message }));
    console.log(JSON.stringify({ name: `fallback.${name}.${it.name}`, ...figure }));
  }
  await browser.stop();
}
site.close();
process.exit();

/** Milliseconds from `connect()` to the first message on the link that is still there 2 s later. */
async function reach(browser, { rules, options = {}, json, limit = LIMIT }) {
  const runs = [];
  for (let run = 0; run < RUNS; run++) runs.push(await inPage(browser, rules, json, options, untilLasting));
  const spans = runs.map(({ ms }) => Math.round(ms));
  const value = Math.max(...spans);
  return { value, unit: "ms", limit, ok: value <= limit, runs: spans, transports: runs.map(({ transport }) => transport) };
}

/** The transport that carries the session once things have settled, with 100 ms each way on everything. */
async function settledTransport(browser) {
  const transports = [];
  for (let run = 0; run < RUNS; run++) transports.push(await inPage(browser, [{ kind: "delay", ms: 100 }], false, {}, afterSettling));
  const value = transports.find((transport) => transport !== "websocket") ?? "websocket";
  return { value, unit: "transport", ok: value === "websocket", runs: transports };
}

/** Milliseconds from the moment a fault of 20 s is lifted to the WebSocket. The runs are sessions of one page, each for itself. */
async function climbBack(browser) {
  const limit = 60_000;
  const server = await startServer();
  try {
    await server.faults(SWALLOW);
    await browser.open(site.page());
    await browser.evaluate(async (url, runs) => {
      window.opened = await Promise.all(Array.from({ length: runs }, () => harness.connected({ url, remember: false })));
      await harness.sleep(20_000);
      if (window.opened.some(({ session }) => session.transport === "websocket")) throw new Error("a swallowed WebSocket carries a session");
    }, `${server.faulty}/realtime`, RUNS);
    await server.faults();
    const spans = await browser.evaluate(async (limit) => {
      const lifted = performance.now();
      return Promise.all(window.opened.map(async ({ session }) => {
        await harness.until(() => session.transport === "websocket", limit + 30_000, "back on the websocket");
        return Math.round(performance.now() - lifted);
      }));
    }, limit);
    const value = Math.max(...spans);
    return { value, unit: "ms", limit, ok: value <= limit, runs: spans };
  } finally {
    await server.stop();
  }
}

/** Runs a measurement in a fresh page against a server of its own with these faults. */
async function inPage(browser, rules, json, options, measure) {
  const server = await startServer();
  try {
    await server.faults(...rules);
    await browser.open(site.page());
    const url = `${server.faulty}/${json ? `json?client=${Math.random().toString(36).slice(2)}` : "realtime"}`;
    return await browser.evaluate(measure, { url, ...options, ...(json && { dialect: "json" }) });
  } finally {
    await server.stop();
  }
}

// What follows runs in the page.

async function untilLasting(options) {
  const { connect } = await import("/throughline.js");
  const start = performance.now();
  const session = connect(options);
  /** The link that carries the session now, and its first message. */
  let link = {};
  const ask = () => session.send("ECHO", {}).catch(() => {});
  session.on("error", () => {});
  session.on("transport", ({ to }) => {
    link = { transport: to };
    if (to) ask();
  });
  session.on("ECHO", () => (link.heardAt ??= performance.now()));
  const lasting = () => link.heardAt && performance.now() - link.heardAt > 2_000;
  await harness.until(lasting, 30_000, () => JSON.stringify(session.explain()));
  const { heardAt, transport } = link;
  await session.close();
  return { ms: heardAt - start, transport };
}

async function afterSettling(options) {
  const { session } = await harness.connected(options);
  await harness.sleep(4_000);
  const { transport } = session;
  await session.close();
  return transport;
}
