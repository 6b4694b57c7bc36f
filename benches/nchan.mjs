// Numbered messages of an nchan channel, published without waiting for anybody, while the link to the page is reset again and again: what was lost, doubled or
// reordered, by the recipe of docs/nchan.md, by nchan's own client, and by a bare WebSocket, which is not told ids. One JSON object a line.
//
// `node benches/nchan.mjs [--only PATTERN] [--messages N] [--cuts N]`, started by `cargo xtask measure nchan`. `all` has every transport, and what is blocked changes
// with each cut. The backoff is lowered for the run, which each line says, so that each cut falls on a link that has come back.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { fileURLToPath } from "node:url";

import { block, startNginx } from "../tests/e2e/support/nginx.mjs";
import { startProxy } from "./support/faults.mjs";
import { round, runUnattended } from "./support/unattended.mjs";

const TRANSPORTS = ["websocket", "sse", "long-poll"];
const TIMING = { backoff: [50, 50, 50, 50], stable: 200, climb: 500, climbCap: 500 };
/** Milliseconds between messages: at 200 messages a cut, one each half second, or each second where another transport has to be found. */
const EVERY = { one: 2.5, all: 5 };
const TIMEOUT = 240_000;
const WITHOUT_WEBSOCKET = { kind: "refuse403" };
const WITHOUT_STREAM = { kind: "refuse403", on: ["sse"] };
/** What is blocked in turn where every transport may carry: a session stays with what carried it, so that each has its turn. */
const BLOCKED = [[WITHOUT_STREAM], [WITHOUT_WEBSOCKET, WITHOUT_STREAM], [WITHOUT_WEBSOCKET]];
const file = (path) => fileURLToPath(new URL(path, import.meta.url));

const { values } = parseArgs({ options: { only: { type: "string", default: "" }, messages: { type: "string", default: "10000" }, cuts: { type: "string", default: "50" } } });
const only = new RegExp(values.only);
const [messages, cuts] = [values.messages, values.cuts].map(Number);

const CLIENTS = { throughline: { prefix: "nchan", transports: [...TRANSPORTS, "all"] }, nchan: { prefix: "peer.nchan", transports: TRANSPORTS }, bare: { prefix: "peer.nchan-without-ids", transports: ["websocket"] } };
const folder = await mkdtemp(join(tmpdir(), "throughline-nchan-"));
const recipe = join(folder, "recipe.js");
await writeFile(recipe, (await block("nchan.md", "js")).replace('"throughline"', '"/throughline.js"'));
const configuration = await block("nchan.md", "nginx");
const FILES = { "/recipe.js": recipe, "/tally.js": file("switches/tally.js"), "/nchan.js": file("node_modules/nchan/NchanSubscriber.js") };

for (const [client, { prefix, transports }] of Object.entries(CLIENTS)) {
  for (const transport of transports) {
    for (const browser of ["chromium", "firefox"]) {
      const name = `${prefix}.${transport}.${browser}`;
      if (!only.test(name)) continue;
      const figures = await measure(client, transport, browser).catch((error) => ({ value: null, ok: false, error: error.message }));
      console.log(JSON.stringify({ name, ...figures }));
    }
  }
}
await rm(folder, { recursive: true });
process.exit();

async function measure(client, transport, browser) {
  const query = { client, transport, messages, timing: JSON.stringify(TIMING) };
  let nginx, proxy, published;
  const front = async (pages) => {
    nginx = await startNginx((port) => configuration.replace("80;", `127.0.0.1:${port};`).replace("http://127.0.0.1:3000", pages), { nchan: true });
    proxy = await startProxy(new URL(nginx.url).host, "/events");
    published = publish(nginx.url, proxy, ...(transport === "all" ? [BLOCKED, EVERY.all] : [[[]], EVERY.one]));
    // Told below; until then nobody waits for it.
    published.catch(() => {});
    return proxy.url;
  };
  try {
    const told = await runUnattended(browser, file("nchan/page.js"), { files: FILES, query, timeout: TIMEOUT, front });
    const { cut, seconds } = await published;
    const { count, doubled, reordered, ...more } = told;
    const lost = messages - count;
    const ours = client === "throughline";
    const ok = cut === cuts && lost === 0 && doubled === 0 && reordered === 0;
    return { value: count, unit: "messages", ...(ours && { ok }), lost, doubled, reordered, cuts: cut, seconds: round(seconds, 1), ...more, ...(ours ? { timing: TIMING } : { reconnectIn: TIMING.backoff[0] }) };
  } finally {
    proxy?.stop();
    await nginx?.stop();
  }
}

/** Publishes all messages at their pace, cutting what is live after every so many. Begins once somebody listens; that link is cut, too. */
async function publish(url, proxy, blocked, every) {
  let cut = 0;
  while (!(await proxy.cut())) await sleep(20);
  cut++;
  const start = performance.now();
  for (let n = 0; n < messages; n++) {
    const response = await fetch(`${url}/events?channel=flood`, { method: "POST", body: JSON.stringify({ type: "TICK", n }) });
    if (!response.ok) throw new Error(`message ${n} was not published: ${response.status} ${await response.text()}`);
    await response.text();
    if (Math.floor((n * cuts) / messages) >= cut) {
      await proxy.faults(...blocked[cut % blocked.length]);
      if (await proxy.cut()) cut++;
    }
    const due = start + (n + 1) * every - performance.now();
    if (due > 1) await sleep(due);
  }
  await proxy.faults();
  return { cut, seconds: (performance.now() - start) / 1_000 };
}
