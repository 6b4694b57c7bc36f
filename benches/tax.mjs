// What the SDK costs a message on the main thread, as the ratio of medians over all blocks: one JSON object a line.
// `quietRatio` compares the tenths that the rest of the machine disturbed least.
//
// No debugger and no driver is attached: either would slow both sides of the ratio. The page replaces `WebSocket` by a fake
// that dispatches real MessageEvents, measures, and POSTs what it found.

import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const TIMEOUT = 240_000;
const LIMIT = 1.28;
const ISOLATED = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp", "Cache-Control": "no-store" };
const PAGE = '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>tax</title><script type="module" src="/page.js"></script>';
const file = (path) => fileURLToPath(new URL(path, import.meta.url));
const FILES = { "/page.js": file("tax/page.js"), "/throughline.js": file("../pkg/dist/throughline.js") };
const CHROMIUM_FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"];

const { rounds, messages, contenders } = await measured();
const { bare } = contenders;
const baseline = quantile(bare, 0.5);
for (const [name, spans] of Object.entries(contenders)) {
  if (name === "bare") continue;
  const ns = quantile(spans, 0.5);
  const ratio = round(ns / baseline, 3);
  const line = { name: `tax.${name}`, value: ratio, unit: "x", limit: LIMIT, ok: ratio <= LIMIT, ratio, ns: round(ns), baseline: round(baseline), quietRatio: round(quantile(spans, 0.1) / quantile(bare, 0.1), 3), rounds, messages };
  console.log(JSON.stringify(line));
}
process.exit();

/** Runs the page in a Chromium that nothing is attached to. */
async function measured() {
  let tell;
  const told = new Promise((resolve, reject) => {
    tell = ({ error, ...result }) => (error ? reject(new Error(error)) : resolve(result));
    setTimeout(() => reject(new Error(`the page told nothing within ${TIMEOUT / 1000} s`)), TIMEOUT).unref();
  });
  const server = createServer(async (request, response) => {
    if (request.method === "POST") {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      response.end();
      return tell(JSON.parse(Buffer.concat(chunks).toString()));
    }
    const path = FILES[request.url];
    if (!path && request.url !== "/") return response.writeHead(404).end();
    response.writeHead(200, { ...ISOLATED, "Content-Type": path ? "text/javascript" : "text/html" });
    response.end(path ? await readFile(path) : PAGE);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const profile = await mkdtemp(join(tmpdir(), "throughline-tax-"));
  const args = [...CHROMIUM_FLAGS, `--user-data-dir=${profile}`, `http://127.0.0.1:${server.address().port}/`];
  const browser = spawn("chromium", args, { stdio: "ignore", detached: true });
  browser.once("error", (error) => tell({ error: `chromium does not start: ${error.message}` }));
  const ended = new Promise((resolve) => browser.once("exit", resolve));
  try {
    return await told;
  } finally {
    // Its helpers are in its process group.
    if (browser.pid) process.kill(-browser.pid, "SIGTERM");
    await ended;
    server.closeAllConnections();
    server.close();
    await rm(profile, { recursive: true, force: true, maxRetries: 10 });
  }
}

function quantile(numbers, share) {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length * share)];
}

function round(number, digits = 0) {
  return Math.round(number * 10 ** digits) / 10 ** digits;
}
