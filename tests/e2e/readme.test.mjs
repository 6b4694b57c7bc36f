// The README's quick start, word for word: its server in Node, its page in Chromium, which comes back, and its TypeScript.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { once } from "node:events";
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
  let folder, files, browser, port, server;

  before(async () => {
    [folder, files, browser, port] = await Promise.all([mkdtemp(join(tmpdir(), "throughline-readme-")), shownFiles("README.md"), startBrowser("chromium"), freePort()]);
    assert.deepEqual(Object.keys(files), ["server.mjs", "index.html", "app.ts"]);
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

  const write = (name, code) => writeFile(join(folder, name), code.replaceAll(PORT, port));
  const shown = (id) => browser.driver.findElement(By.id(id)).getText();
  const becomes = (id, expected) => browser.driver.wait(async () => (await shown(id)) === expected, SOON, `${id} did not become ${expected}`);
  const lines = async () => (await shown("lines")).split("\n");
  const says = (line) => browser.driver.wait(async () => (await lines()).includes(line), SOON, `the page did not say ${line}`);
  const type = (line) => browser.driver.findElement(By.id("input")).sendKeys(`${line}\n`);

  /** Opens the page and says something. */
  async function talk() {
    server = await startServer(folder);
    await browser.driver.get(server.url);
    await becomes("state", "connected");
    await becomes("transport", "websocket");
    await says("1 here");
    await type("hello");
    await says("hello");
  }

  test("the page talks, waits while its server is away, and goes on without a WebSocket", async () => {
    await talk();
    await server.stop();
    await becomes("state", "reconnecting");
    await type("while it was away");
    server = await startServer(folder);
    await becomes("state", "connected");
    await says("while it was away");
    assert.equal((await lines()).filter((line) => line === "while it was away").length, 1);

    await server.stop();
    await becomes("state", "reconnecting");
    await write("server.mjs", files["server.mjs"].replace(/.*new WebSocketServer\(.*\n$/, ""));
    server = await startServer(folder);
    await becomes("state", "connected");
    await becomes("transport", "sse");
    await type("over the stream");
    await says("over the stream");
    await server.stop();
    await write("server.mjs", files["server.mjs"]);
  });

  test("in TypeScript it talks, too, and the compiler finds mistakes", async () => {
    const check = (code) => writeFile(join(folder, "check.ts"), code).then(() => promisify(execFile)("node", [join(ROOT, "node_modules/typescript/bin/tsc"), "--noEmit", "check.ts"], { cwd: folder }));
    await check(files["app.ts"]);
    await assert.rejects(check(`${files["app.ts"]}session.send("LINE", { txt: "hi" });\n`), { stdout: /'txt' does not exist/ });
    await assert.rejects(check(`${files["app.ts"]}session.send("LINES", { text: "hi" });\n`), { stdout: /"LINES"/ });
    await build({ entryPoints: [join(folder, "app.ts")], bundle: true, format: "esm", outfile: join(folder, "app.js"), logLevel: "error" });
    await write("index.html", files["index.html"].replace('<script type="module">', '<script type="module" src="app.js">'));
    await talk();
  });
});

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
