// How long a page takes from `import()` to the first message that it hears, beside a bare WebSocket and beside other libraries: one JSON
// object a line.
//
// `node benches/startup.mjs [--only BROWSER] [--rounds N] [--apps PATTERN]`, started by `cargo xtask measure startup`. The contenders take turns in an
// order that each round draws anew; a difference or a ratio is the median over the rounds of what was measured side by side. Neither driver
// nor debugger is attached.

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { fileURLToPath } from "node:url";

import { Sites } from "./startup/sites.mjs";
import { bundled, versions } from "./support/apps.mjs";
import { built, startChild } from "./support/child.mjs";
import { quantile, round } from "./support/unattended.mjs";

/** Milliseconds over a bare WebSocket, and shares of a peer's time; noise counts as level. */
const LIMITS = { bare: 5, ably: 1, centrifuge: 1.05 };
const HTTP = /listening on (http:\S+)/;
const file = (path) => fileURLToPath(new URL(path, import.meta.url));

/** By name: the app, the server it speaks to, and the package that it stands for if it is a peer. With `parts`, it is told what takes how long. */
const CONTENDERS = {
  bare: { app: "bare", server: "bare" },
  "bare-parts": { app: "bare", server: "bare", parts: true },
  "bare-node": { app: "bare", server: "plain" },
  throughline: { app: "throughline", server: "throughline" },
  "throughline-parts": { app: "throughline", server: "throughline", parts: true },
  "throughline-voice": { app: "throughline-voice", server: "throughline" },
  "throughline-wasm": { app: "throughline-wasm", server: "throughline", wasm: "throughline.wasm" },
  "throughline-no-wasm": { app: "throughline-no-wasm", server: "throughline" },
  partysocket: { app: "partysocket", server: "plain", peer: "partysocket" },
  "reconnecting-websocket": { app: "reconnecting-websocket", server: "plain", peer: "reconnecting-websocket" },
  "socket.io-client": { app: "socket.io-client", server: "socket.io", peer: "socket.io-client" },
  signalr: { app: "signalr", server: "signalr", peer: "@microsoft/signalr" },
  centrifuge: { app: "centrifuge", server: "centrifuge", peer: "centrifuge" },
  ably: { app: "ably", server: "ably", peer: "ably" },
  "ably-modular": { app: "ably-modular", server: "ably", peer: "ably" },
};

const { values } = parseArgs({ options: { only: { type: "string", default: "" }, rounds: { type: "string", default: "30" }, apps: { type: "string", default: "" } } });
const rounds = Number(values.rounds);
const wanted = new RegExp(values.apps);
const names = Object.keys(CONTENDERS).filter((name) => wanted.test(name));

const files = { "/page.js": await readFile(file("startup/page.js")), "/marks.js": await readFile(file("startup/marks.js")) };
for (const { app, wasm } of names.map((name) => CONTENDERS[name])) {
  files[`/${app}.js`] ??= await bundled(app);
  if (wasm) files[`/${wasm}`] = await readFile(file(`../pkg/dist/${wasm}`));
}
// The first round does not count.
const sites = await Sites.open((rounds + 1) * names.length, files);
const servers = await startServers();
for (const browser of ["chromium", "firefox"].filter((name) => name.startsWith(values.only))) report(browser, await measure(browser));
process.exit();

/** Starts every contender's server; resolves with their addresses by name. */
async function startServers() {
  const admitted = sites.origins.flatMap((origin) => ["--origin", origin]);
  const ours = await startChild(process.env.THROUGHLINE_SERVER_BIN, ["--listen", "127.0.0.1:0", "--test-routes", ...admitted], HTTP);
  const bare = await startChild(built("examples/bare"), [], HTTP);
  const peers = await startChild(process.execPath, [file("startup/peers.mjs")], /^listening on (.*)$/);
  return { throughline: `${ours.found[0]}/realtime`, bare: bare.found[0].replace("http", "ws"), ...JSON.parse(peers.found[0]) };
}

/** Has a browser try every contender in every round. Resolves with what the pages told, by contender. */
async function measure(browser) {
  const order = Array.from({ length: rounds + 1 }, () => shuffled(names)).flat();
  const query = ({ app, server, parts }) => ({ app, server: servers[server], ...(parts && { parts }) });
  const told = await sites.visit(browser, order.map((name) => query(CONTENDERS[name])));
  return Object.fromEntries(names.map((name) => [name, told.filter((_, at) => at >= names.length && order[at] === name)]));
}

function report(browser, told) {
  const totals = (name) => told[name].map(({ total }) => total);
  for (const name of names) {
    const { parts, peer } = CONTENDERS[name];
    const [value, low, high] = [0.5, 0.1, 0.9].map((share) => round(quantile(totals(name), share), 1));
    print(`${peer ? "peer." : ""}startup.${browser}.${name}`, value, "ms", { low, high, rounds, version: versions[peer], parts: parts && spans(told[name]) });
  }
  for (const [rival, limit] of Object.entries(LIMITS)) {
    if (!told.throughline || !told[rival]) continue;
    const theirs = totals(rival);
    const over = round(quantile(totals("throughline").map((ours, i) => ours - theirs[i]), 0.5), 1);
    const ratio = round(quantile(totals("throughline").map((ours, i) => ours / theirs[i]), 0.5), 3);
    const [value, unit] = rival === "bare" ? [over, "ms"] : [ratio, "x"];
    print(`startup.${browser}.over-${rival}`, value, unit, { limit, ok: value <= limit, over, ratio });
  }
}

/** Median milliseconds from each mark to the next, by the name of the later one: startup/marks.js. */
function spans(pages) {
  const marks = pages.map(({ marks }) => new Map(marks));
  const order = [...marks[0].keys()];
  const span = (from, to) => round(quantile(marks.map((at) => at.get(to) - at.get(from)), 0.5), 2);
  return Object.fromEntries(order.slice(1).map((name, i) => [name, span(order[i], name)]));
}

function print(name, value, unit, more) {
  console.log(JSON.stringify({ name, value, unit, ...more }));
}

function shuffled(list) {
  return list.map((item) => [Math.random(), item]).sort(([a], [b]) => a - b).map(([, item]) => item);
}
