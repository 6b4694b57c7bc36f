// Numbered messages both ways at once while links are cut, swapped and stalled at random: what was lost, doubled or reordered.
// One JSON object a line.
//
// `node benches/switches.mjs [--only PATTERN] [--seed N] [--messages N] [--faults N]`, started by `cargo xtask measure switches`.
// Spans are lowered for the run, which each line says, so that as many faults as possible fall on a session that has come back.

import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { fileURLToPath } from "node:url";

import { startChild } from "./support/child.mjs";
import { startProxy } from "./support/faults.mjs";
import { round, runUnattended } from "./support/unattended.mjs";

/** Milliseconds: the backoff's windows and its reset, as lowered for the run; the way back to a better transport likewise. */
const TIMING = { backoff: [200, 200, 200, 200], stable: 200, climb: 1_000, climbCap: 2_000 };
const HEARTBEAT = 1_000;
const PER_UNIT = 6;
/** Milliseconds that a fault takes with the pause before it, and a little more: the messages must last longer than the faults. */
const FAULT = 1_120;
const TIMEOUT = 900_000;
const file = (path) => fileURLToPath(new URL(path, import.meta.url));
const FILES = { "/tally.js": file("switches/tally.js"), "/socket.io.js": file("node_modules/socket.io-client/dist/socket.io.esm.min.js") };

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    seed: { type: "string", default: String(randomInt(2 ** 32)) },
    messages: { type: "string", default: "50000" },
    faults: { type: "string", default: "200" },
  },
});
const only = new RegExp(values.only);
const [seed, messages, faults] = [values.seed, values.messages, values.faults].map(Number);
const every = Math.round((PER_UNIT * faults * FAULT) / messages);

const CONTENDERS = {
  throughline: { path: "/realtime", prefix: "switches", start: () => startChild(process.env.THROUGHLINE_SERVER_BIN, ["--listen", "127.0.0.1:0", "--test-routes", "--heartbeat", String(HEARTBEAT)], /listening on http:\/\/(\S+)/) },
  "socket-io": { path: "/socket.io", prefix: "peer.socket-io.switches", start: () => startChild(process.execPath, [file("switches/socket-io.mjs"), String(messages)], /listening on http:\/\/(\S+)/) },
};

for (const [contender, { path, prefix, start }] of Object.entries(CONTENDERS)) {
  for (const browser of ["chromium", "firefox"]) {
    const name = `${prefix}.${browser}`;
    if (!only.test(name)) continue;
    const lines = await measure(contender, browser, path, start).catch((error) => [{ name: "failed", value: null, ok: false, error: error.message }]);
    for (const line of lines) console.log(JSON.stringify({ ...line, name: `${name}.${line.name}` }));
  }
}
process.exit();

async function measure(contender, browser, path, start) {
  const { child, found } = await start();
  const proxy = await startProxy(found[0], path);
  const query = { contender, url: proxy.url, messages, perUnit: PER_UNIT, every, timing: JSON.stringify(TIMING) };
  const shaken = proxy.shake(seed, faults);
  try {
    const told = await runUnattended(browser, file("switches/page.js"), { files: FILES, query, timeout: TIMEOUT });
    proxy.rest();
    return figures(contender, told, await shaken);
  } finally {
    proxy.rest();
    await shaken.catch(() => {});
    proxy.stop();
    child.removeAllListeners("exit");
    child.kill("SIGKILL");
  }
}

function figures(contender, { up, down, sent, failed, switches, errors, seconds }, done) {
  const total = Object.values(done).reduce((sum, count) => sum + count, 0);
  const ours = contender === "throughline";
  const about = { faults: total, ...done, switches, seconds: round(seconds, 1), seed, ...(ours && { timing: TIMING, heartbeat: HEARTBEAT }) };
  const line = (name, { count, doubled, reordered }, more) => {
    const lost = messages - count;
    const ok = total === faults && lost === 0 && doubled === 0 && reordered === 0 && failed === 0;
    return { name, value: count, unit: "messages", ...(ours && { ok }), lost, doubled, reordered, ...more };
  };
  return [line("up", up, { sent, rejected: failed, errors, ...about }), line("down", down, about)];
}
