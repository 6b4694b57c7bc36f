// What a page keeps of a thousand reconnects: listeners, sockets, heap and wasm memory, after a collection. One JSON object a line.
//
// `node benches/reconnects.mjs [--only TRANSPORT] [--reconnects N]`, started by `cargo xtask measure reconnects`. The links are reset by
// the fault proxy; Chromium tells what is alive.

import { parseArgs } from "node:util";

import { startBrowser } from "../tests/e2e/support/browsers.mjs";
import { startServer } from "../tests/e2e/support/server.mjs";
import { startSite } from "../tests/e2e/support/site.mjs";
import { alive } from "./support/alive.mjs";
import { round } from "./support/unattended.mjs";

/** Reconnects before the first look: by then the engine has compiled what it will. */
const WARM = 500;
/** Most reconnects in one call to the driver. */
const CALL = 100;
/** Bytes of heap that a reconnect may leave: what the engine's own coming and going comes to. */
const LIMIT = 64;
const KINDS = ["WebSocket", "AbortController", "Promise"];

const { values } = parseArgs({ options: { only: { type: "string", default: "" }, reconnects: { type: "string", default: "1000" } } });
const reconnects = Number(values.reconnects);
const [server, site, browser] = await Promise.all([startServer(), startSite(), startBrowser("chromium")]);
for (const transport of ["websocket", "sse"].filter((name) => name.startsWith(values.only))) {
  await browser.open(site.page());
  await browser.evaluate(connectOver, transport, `${server.faulty}/realtime`);
  await reconnect(WARM);
  const before = await alive(browser, KINDS, counted);
  await reconnect(reconnects);
  const after = await alive(browser, KINDS, counted);
  await browser.evaluate(() => opened.session.close());
  const grown = (what) => after[what] - before[what];
  const value = round(grown("heap") / reconnects, 1);
  const flat = ["listeners", "wasm", ...KINDS].every((what) => grown(what) <= 0);
  console.log(JSON.stringify({ name: `reconnects.${transport}`, value, unit: "B/reconnect", limit: LIMIT, ok: value <= LIMIT && flat, reconnects, before, after }));
}
await browser.stop();
await server.stop();
site.close();
process.exit();

/** Cuts the link and waits for the next one, so many times. */
async function reconnect(times) {
  for (let left = times; left > 0; left -= CALL) await browser.evaluate(cutAndWait, `${server.url}/faults/faults/cut`, Math.min(left, CALL));
}

// What follows runs in the page.

async function connectOver(transport, url) {
  window.memories = [];
  const { Instance } = WebAssembly;
  WebAssembly.Instance = function (...args) {
    const made = new Instance(...args);
    memories.push(Object.values(made.exports).find((item) => item instanceof WebAssembly.Memory));
    return made;
  };
  const { instantiate } = WebAssembly;
  WebAssembly.instantiate = async (...args) => {
    const made = await instantiate.apply(WebAssembly, args);
    memories.push(Object.values((made.instance ?? made).exports).find((item) => item instanceof WebAssembly.Memory));
    return made;
  };
  const { connect } = await import("/throughline.js");
  const session = connect({ url, transports: [transport], remember: false, timing: { backoff: [20, 20, 20, 20], stable: 20 } });
  session.on("error", () => {});
  window.opened = { session };
  await harness.until(() => session.state === "connected");
}

function counted() {
  return { wasm: memories.reduce((sum, memory) => sum + memory.buffer.byteLength, 0) };
}

/** Each time a request is under way. */
async function cutAndWait(address, times) {
  const { session } = opened;
  for (let left = times; left > 0; left--) {
    const lost = new Promise((resolve) => session.once("transport", resolve));
    const answer = session.request("ECHO", { left });
    const response = await fetch(address, { method: "POST", body: JSON.stringify({ on: ["websocket", "sse"] }) });
    // An answer that is not read keeps promises of its own.
    await response.json();
    await lost;
    await answer;
    await harness.until(() => session.state === "connected");
  }
}
