// Other apps' servers on the demo's page: how soon a first answer is there, how true the sign of the connection is, and whether comments come once. One JSON object a line.
//
// `node benches/systems.mjs [--only PATTERN] [--seed N]`, started by `cargo xtask measure systems`. The page is used as it is; the fault proxy that its buttons switch stands
// before each server.

import { randomInt } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { fileURLToPath } from "node:url";

import { startBrowser } from "../tests/e2e/support/browsers.mjs";
import { startServer } from "../tests/e2e/support/server.mjs";
import { startChild } from "./support/child.mjs";
import { generator } from "./support/faults.mjs";

/** Milliseconds to a first answer, and until the sign says that a closed connection is gone. */
const FIRST = 2_000;
const CLOSED = 2_000;
/** Milliseconds between two heartbeats of the server that falls silent, and how many may be missed. Firefox shows a stream with its first byte, which has a second to come. */
const HEARTBEAT = 500;
const MISSED = 2.5;
/** Milliseconds after which it does, half-way between two. */
const SILENT = 1_750;
const COMMENTS = 200;
const REPEATS = 5;
const SOON = 30_000;
const folder = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));

/** Notes in the page when the sign next says that there is no connection. */
const WATCH = `
  window.off = 0;
  window.watch?.disconnect();
  const sign = document.querySelector("#console-wifi");
  window.watch = new MutationObserver(() => (window.off ||= sign.dataset.on === "false" && Date.now()));
  window.watch.observe(sign, { attributes: true });`;

const CASES = {
  "a.present": { key: "a", run: firstAnswer },
  "a.deleted": { key: "a", flags: ["--http-only"], run: firstAnswer },
  "a.refused": { key: "a", flags: ["--upgrade-required"], run: firstAnswer },
  "a.hanging": { key: "a", flags: ["--hang"], run: firstAnswer },
  "e.closed": { key: "e", flags: ["--heartbeat", "500"], query: "heartbeat=500&climb=500", run: closed },
  "e.silent": { key: "e", flags: ["--heartbeat", String(HEARTBEAT), "--silent-after", String(SILENT)], query: `heartbeat=${HEARTBEAT}`, run: silent },
  "e.once": { key: "e", flags: ["--heartbeat", "500"], query: "heartbeat=500&climb=1000", run: once },
};

const { values } = parseArgs({ options: { only: { type: "string", default: "" }, seed: { type: "string", default: String(randomInt(2 ** 32)) } } });
const only = new RegExp(values.only);
for (const name of ["chromium", "firefox"]) {
  const chosen = Object.entries(CASES).filter(([what]) => only.test(`systems.${what}.${name}`));
  if (!chosen.length) continue;
  const { driver, stop } = await startBrowser(name);
  for (const [what, { key, flags = [], query = "", run }] of chosen) {
    const { child, found: [url] } = await startChild(process.execPath, [folder(`www/servers/${key}.mjs`), "--port", "0", ...flags], /^system-\w listening on (http:\S+)$/);
    const server = await startServer({ more: ["--www", folder("www"), "--pkg", folder("pkg"), "--system", `${key}=${new URL(url).host}`] });
    const world = { driver, url, control: `${server.url}/systems/${key}/faults`, open: () => driver.get(`${server.url}/?system=${key}&${query}`) };
    const line = await run(world).catch((error) => ({ value: null, ok: false, error: error.message }));
    console.log(JSON.stringify({ name: `systems.${what}.${name}`, ...line }));
    child.kill("SIGKILL");
    await server.stop();
  }
  await stop();
}
process.exit();

/** The page, cold, until the interviewer's first question: the last thing that it heard. */
async function firstAnswer({ driver, open }) {
  const times = [];
  let transport;
  for (let i = 0; i < REPEATS; i++) {
    await open();
    await until(driver, `document.querySelectorAll("#room-log .them").length === 1`);
    times.push(await read(driver, "session.explain().lastHeardAt"));
    transport = await read(driver, "session.transport");
  }
  const value = Math.round(Math.max(...times));
  return { value, unit: "ms", limit: FIRST, transport, times: times.map(Math.round), ok: value <= FIRST };
}

/** From the button that takes the server away to the sign that says so. */
async function closed({ driver, open }) {
  await open();
  const times = [];
  for (let i = 0; i < REPEATS; i++) {
    await until(driver, `window.session?.transport === "sse"`);
    await driver.executeScript(`${WATCH} window.pressed = Date.now(); document.querySelector('[data-key="9"]').click();`);
    await until(driver, "window.off");
    times.push(await read(driver, "off - pressed"));
    await driver.executeScript(`document.querySelector(".heal").click();`);
  }
  const value = Math.max(...times);
  return { value, unit: "ms", limit: CLOSED, times, ok: value <= CLOSED };
}

/** From the moment when the server falls silent, so long after it counted the stream in, to the sign that says so. */
async function silent({ driver, url, open }) {
  await open();
  const times = [];
  for (let i = 0; i < REPEATS; i++) {
    await driver.executeScript(`document.querySelector("#session-close").click()`);
    await clients(url, 0);
    await driver.executeScript(`document.querySelector("#session-new").click()`);
    const counted = await clients(url, 1);
    await until(driver, signs("true"));
    await driver.executeScript(WATCH);
    await until(driver, "window.off");
    times.push((await read(driver, "off")) - counted - SILENT);
  }
  const [value, limit] = [Math.max(...times), MISSED * HEARTBEAT];
  return { value, unit: "ms", limit, heartbeat: HEARTBEAT, times, ok: value <= limit };
}

/** Waits until the server counts so many streams, and returns when that was. */
async function clients(url, count) {
  const deadline = Date.now() + SOON;
  while ((await (await fetch(`${url}/api/clients`)).json()).clients !== count) {
    if (Date.now() > deadline) throw new Error(`never ${count} streams`);
    await sleep(2);
  }
  return Date.now();
}

/** Numbered comments, published while the network breaks in every way that the page has a button for. */
async function once({ driver, url, control, open }) {
  const seed = Number(values.seed);
  const random = generator(seed);
  const between = (low, high) => Math.round(low + random() * (high - low));
  await open();
  await until(driver, signs("true"));
  await driver.executeScript(`
    window.heard = [];
    new MutationObserver((changes) => changes.forEach(({ addedNodes }) => addedNodes.forEach((line) => line.querySelector?.(".text") && heard.push(line.querySelector(".text").lastChild.data))))
      .observe(document.querySelector("#console-log"), { childList: true })`);
  const tell = (method, path, body) => fetch(control + path, { method, body: body && JSON.stringify(body) });
  let publishing = true;
  const done = { cut: 0, reset: 0, muted: 0 };
  const breaking = (async () => {
    while (publishing) {
      await sleep(between(200, 900));
      const dice = random();
      if (dice < 0.6) done.cut++;
      else {
        const kind = dice < 0.8 ? "rst" : "mute-sse";
        done[kind === "rst" ? "reset" : "muted"]++;
        await tell("PUT", "", { rules: [{ kind, on: ["sse"] }] });
      }
      await tell("POST", "/cut", { on: ["sse", "poll", "post"] });
      if (dice < 0.6) continue;
      await sleep(between(800, 2_500));
      await tell("DELETE", "");
    }
  })();
  for (let i = 0; i < COMMENTS; i++) {
    const response = await fetch(`${url}/api/debug/emit-comment`, { method: "POST", body: JSON.stringify({ text: String(i) }) });
    if (!response.ok) throw new Error(`a comment was answered ${response.status}`);
    await sleep(100);
  }
  publishing = false;
  await breaking;
  await tell("DELETE", "");
  await until(driver, `new Set(heard).size === ${COMMENTS}`).catch(() => {});
  const heard = (await read(driver, "heard")).map(Number);
  const lost = COMMENTS - new Set(heard).size;
  const doubled = heard.length - new Set(heard).size;
  const reordered = heard.filter((number, i) => number < heard[i - 1]).length;
  return { value: lost + doubled, unit: "comments", limit: 0, of: COMMENTS, lost, doubled, reordered, ...done, seed, ok: lost + doubled === 0 };
}

function signs(on) {
  return `document.querySelector("#console-wifi").dataset.on === "${on}"`;
}

function read(driver, expression) {
  return driver.executeScript(`return (${expression})`);
}

async function until(driver, expression) {
  try {
    await driver.wait(() => read(driver, expression), SOON);
  } catch {
    throw new Error(`not within ${SOON} ms: ${expression}\n${await read(driver, "JSON.stringify(window.session?.explain())")}`);
  }
}
