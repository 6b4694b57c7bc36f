// A page in a browser that no debugger and no driver is attached to: either would slow what is measured. The page measures
// by itself and POSTs what it found.

import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Without isolation, `performance.now()` tells a tenth of a millisecond. */
export const ISOLATED = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp", "Cache-Control": "no-store" };
const CHROMIUM_FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"];
const FIREFOX_PREFS = {
  "browser.aboutwelcome.enabled": false,
  "browser.shell.checkDefaultBrowser": false,
  "datareporting.policy.dataSubmissionEnabled": false,
  "app.update.enabled": false,
  "toolkit.telemetry.reportingpolicy.firstRun": false,
};
const STARTERS = {
  chromium: (profile, url) => ["chromium", [...CHROMIUM_FLAGS, `--user-data-dir=${profile}`, url]],
  firefox: (profile, url) => ["firefox-esr", ["-headless", "-no-remote", "-profile", profile, url]],
};
const SDK = fileURLToPath(new URL("../../pkg/dist/throughline.js", import.meta.url));

/**
 * Runs a script in a page of a browser and resolves with the JSON that it POSTs to `/result`. `files` are what the page may
 * load beside it and the SDK, by path; `query` is the page's. `front(origin)` puts something in front of the page and gives its origin. Rejects with the page's own error, or when `timeout` ms passed.
 */
export async function runUnattended(name, script, { files = {}, query = {}, timeout = 240_000, front = (origin) => origin } = {}) {
  let tell;
  const told = new Promise((resolve, reject) => {
    tell = ({ error, ...result }) => (error ? reject(new Error(error)) : resolve(result));
    setTimeout(() => reject(new Error(`the page told nothing within ${timeout / 1000} s`)), timeout).unref();
  });
  const served = { "/page.js": script, "/throughline.js": SDK, ...files };
  const page = '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>measurement</title><script type="module" src="/page.js"></script>';
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://page");
    if (request.method === "POST") {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      response.end();
      return tell(JSON.parse(Buffer.concat(chunks).toString()));
    }
    const path = served[pathname];
    if (!path && pathname !== "/") return response.writeHead(404).end();
    response.writeHead(200, { ...ISOLATED, "Content-Type": path ? "text/javascript" : "text/html" });
    response.end(path ? await readFile(path) : page);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = await front(`http://127.0.0.1:${server.address().port}`);
  const browser = await launch(name, `${origin}/?${new URLSearchParams(query)}`, (error) => tell({ error: error.message }));
  try {
    return await told;
  } finally {
    await browser.stop();
    server.closeAllConnections();
    server.close();
  }
}

/** Opens an address in a browser with a profile of its own, without a window; `failed` hears that it does not start. */
export async function launch(name, url, failed) {
  const profile = await mkdtemp(join(tmpdir(), "throughline-measure-"));
  await writeFile(join(profile, "user.js"), Object.entries(FIREFOX_PREFS).map(([pref, value]) => `user_pref("${pref}", ${value});\n`).join(""));
  const [program, args] = STARTERS[name](profile, url);
  const browser = spawn(program, args, { stdio: "ignore", detached: true });
  browser.once("error", (error) => failed(new Error(`${program} does not start: ${error.message}`)));
  const ended = new Promise((resolve) => browser.once("exit", resolve));
  return {
    async stop() {
      // Its helpers are in its process group.
      if (browser.pid) process.kill(-browser.pid, "SIGTERM");
      await ended;
      await rm(profile, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

export function quantile(numbers, share) {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length * share)];
}

export function round(number, digits = 0) {
  return Math.round(number * 10 ** digits) / 10 ** digits;
}
