// The README's quick start, word for word: its server in Node, its page in Chromium, which comes back, and its TypeScript.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { build } from "esbuild";
import { By } from "selenium-webdriver";

import { BROWSERS, freePort, startBrowser } from "./support/browsers.mjs";
import { shownFiles } from "./support/recipe.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** Milliseconds for the page to come back: the longest time between two tries, and some. */
const SOON = 30_000;
/** The port that the README's server listens on. */
const PORT = "8080";

describe("the quick start", { skip: !BROWSERS.includes("chromium"), timeout: 300_000 }, () => {
  let folder, files, browser, port, server, policy;

  before(async () => {
    [folder, files, browser, port] = await Promise.all([mkdtemp(join(tmpdir(), "throughline-readme-")), shownFiles("README.md"), startBrowser("chromium"), freePort()]);
    assert.deepEqual(Object.keys(files), ["server.mjs", "index.html", "app.js", "app.ts", "Room.tsx", "next.config.ts", "KeepAlive.tsx"]);
    [, policy] = (await readFile(join(ROOT, "docs/strict-pages.md"), "utf8")).match(/^Content-Security-Policy: (.*)$/m) ?? assert.fail("no policy");
    assert.ok(strictly(files["server.mjs"]).includes(policy));
    const modules = join(folder, "node_modules");
    await mkdir(modules);
    await symlink(join(ROOT, "pkg"), join(modules, "throughline"));
    await symlink(join(ROOT, "node_modules/ws"), join(modules, "ws"));
    for (const [name, code] of Object.entries(files)) await write(name, code);
  });
  after(async () => {
    await server?.stop();
    await browser?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  // The server sends the policy of docs/strict-pages.md as well, which the README says that the page fits.
  const strictly = (code) => code.replace('response.setHeader("Content-Type"', `response.setHeader("Content-Security-Policy", ${JSON.stringify(policy)}).setHeader("Content-Type"`);
  const write = (name, code) => writeFile(join(folder, name), strictly(code).replaceAll(PORT, port));
  const shown = (id) => browser.driver.findElement(By.id(id)).getText();
  const becomes = (id, expected) => browser.driver.wait(async () => (await shown(id)) === expected, SOON, `${id} did not become ${expected}`);
  const texts = async (selector) => Promise.all((await browser.driver.findElements(By.css(selector))).map((line) => line.getText()));
  /** What the server told, and what waits for it in grey. */
  const lines = () => texts("#lines li:not([style])");
  const waiting = () => texts("#lines li[style]");
  const says = (line) => browser.driver.wait(async () => (await lines()).includes(line), SOON, `the page did not say ${line}`);
  const type = (line) => browser.driver.findElement(By.id("input")).sendKeys(`${line}\n`);

  /** Opens the page and says something. */
  async function talk() {
    server = await startServer(folder);
    await browser.driver.get(server.url);
    await becomes("state", "connected");
    await becomes("transport", "websocket");
    await becomes("people", "1");
    await type("hello");
    await says("hello");
  }

  test("the page talks, waits while its server is away, and goes on without a WebSocket", async () => {
    await talk();
    await server.stop();
    await becomes("state", "reconnecting");
    await type("while it was away");
    assert.deepEqual(await waiting(), ["while it was away"]);
    server = await startServer(folder);
    await becomes("state", "connected");
    await says("while it was away");
    await browser.driver.wait(async () => (await waiting()).length === 0, SOON, "a line that was sent still waits");
    assert.equal((await lines()).filter((line) => line === "while it was away").length, 1);

    await server.stop();
    await becomes("state", "reconnecting");
    await write("server.mjs", files["server.mjs"].replace(/.*new WebSocketServer\(.*\n$/, ""));
    server = await startServer(folder);
    await becomes("state", "connected");
    await becomes("transport", "sse");
    await becomes("people", "1");
    await type("over the stream");
    await says("over the stream");

    const upgrade = request(`${server.url}/chat`, { headers: { Connection: "Upgrade", Upgrade: "websocket" } }).end();
    const [refused] = await once(upgrade, "response");
    refused.destroy();
    assert.equal(refused.statusCode, 426);

    // Who comes is told to those that are there, and a message in two parts is one.
    const another = new AbortController();
    await fetch(`${server.url}/chat`, { signal: another.signal });
    await becomes("people", "2");
    another.abort();
    await becomes("people", "1");
    await postInParts(`${server.url}/chat`, ['{"type":"LINE","te', 'xt":"in two parts"}']);
    await says("in two parts");
    assert.equal(await browser.driver.executeScript("return session.state"), "connected");
    await server.stop();
    await write("server.mjs", files["server.mjs"]);
  });

  test("in TypeScript it talks, too, and the compiler finds mistakes", async () => {
    const check = (code) => writeFile(join(folder, "check.ts"), code).then(() => promisify(execFile)("node", [join(ROOT, "node_modules/typescript/bin/tsc"), "--noEmit", "check.ts"], { cwd: folder }));
    await check(files["app.ts"]);
    await assert.rejects(check(`${files["app.ts"]}session.send("LINE", { txt: "hi" });\n`), { stdout: /'txt' does not exist/ });
    await assert.rejects(check(`${files["app.ts"]}session.send("LINES", { text: "hi" });\n`), { stdout: /"LINES"/ });
    await build({ entryPoints: [join(folder, "app.ts")], bundle: true, format: "esm", outfile: join(folder, "app.js"), logLevel: "error" });
    await talk();
  });
});

/** Posts a body of several chunks, each of which comes to a Node server by itself. */
async function postInParts(url, parts) {
  const upload = request(url, { method: "POST" });
  for (const part of parts) upload.write(part);
  upload.end();
  const [response] = await once(upload, "response");
  response.resume();
  assert.equal(response.statusCode, 204);
}

/** Starts the README's server in a folder, as the README says it: with `url` and `stop()`. */
async function startServer(folder) {
  const child = spawn(process.execPath, ["server.mjs"], { cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
  const end = () => child.kill("SIGKILL");
  process.once("exit", end);
  const ended = once(child, "exit").finally(() => process.off("exit", end));
  const [url] = await Promise.race([once(createInterface({ input: child.stdout }), "line"), ended.then(() => assert.fail("the server ended at its start"))]);
  return {
    url,
    async stop() {
      child.kill("SIGINT");
      await ended;
    },
  };
}
