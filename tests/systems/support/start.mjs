// One of the five servers as a child process.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { after } from "node:test";
import { fileURLToPath } from "node:url";

import { Heard } from "./heard.mjs";

/**
 * Starts `www/servers/{name}.mjs` on a free port. Has `url`, `ws` (the same for WebSockets), `log` (what it wrote to
 * stderr), and `stop()`, which asks it to end and resolves with how it did.
 */
export async function startSystem(name, ...flags) {
  const program = fileURLToPath(new URL(`../../../www/servers/${name}.mjs`, import.meta.url));
  const child = spawn(process.execPath, [program, "--port", "0", ...flags], { stdio: ["ignore", "pipe", "pipe"] });
  const end = () => child.kill("SIGKILL");
  process.once("exit", end);
  const ended = new Promise((resolve) => child.once("exit", (code, signal) => resolve({ code, signal })));
  ended.then(() => process.off("exit", end));
  const said = new Heard(`what system ${name} says`);
  const log = new Heard(`the log of system ${name}`);
  createInterface({ input: child.stdout }).on("line", (line) => said.add(line));
  createInterface({ input: child.stderr }).on("line", (line) => log.add(line));
  ended.then(() => said.end());
  const line = await said.until((line) => line.startsWith(`system-${name} listening on http://127.0.0.1:`));
  const url = line.slice(line.indexOf("http"));
  return {
    url,
    ws: url.replace("http", "ws"),
    log,
    ended,
    stop() {
      child.kill("SIGTERM");
      return ended;
    },
  };
}

/** Starts it for one test, whose end is its end too. */
export async function systemFor(t, name, ...flags) {
  const system = await startSystem(name, ...flags);
  t.after(() => system.stop());
  return system;
}

const shared = new Map();
after(() => Promise.all([...shared.values()].map(async (system) => (await system).stop())));

/** One for all tests of a file that want these flags and mind nobody else. */
export function sharedSystem(name, ...flags) {
  const key = JSON.stringify([name, ...flags]);
  if (!shared.has(key)) shared.set(key, startSystem(name, ...flags));
  return shared.get(key);
}
