// How many messages a second a page takes and gives, and what a single one costs in time, beside a bare WebSocket: one JSON
// object a line.
//
// `node benches/flood.mjs [--only BROWSER] [--rounds N]`, started by `cargo xtask measure flood`. The contenders take turns in
// every round; a ratio is the median over the rounds of what was measured side by side. `quietRatio` compares the tenths that
// the rest of the machine disturbed least.

import { parseArgs } from "node:util";
import { fileURLToPath } from "node:url";

import { built, startChild } from "./support/child.mjs";
import { quantile, round, runUnattended } from "./support/unattended.mjs";

const LIMITS = { bare: 10, batched: 0.6, latency: 1.15 };
const PAGE = fileURLToPath(new URL("flood/page.js", import.meta.url));
const LISTENING = /listening on (http:\S+)/;

const { values } = parseArgs({ options: { only: { type: "string", default: "" }, rounds: { type: "string", default: "15" } } });
const server = await startChild(process.env.THROUGHLINE_SERVER_BIN, ["--listen", "127.0.0.1:0", "--test-routes", "--max-rate", "100000000"], LISTENING);
const bare = await startChild(built("examples/bare"), [], LISTENING);
for (const browser of ["chromium", "firefox"].filter((name) => name.startsWith(values.only))) {
  const query = { server: server.found[0], bare: bare.found[0], rounds: values.rounds };
  const { down, up, latency } = await runUnattended(browser, PAGE, { query });
  print(browser, "down", down);
  compare(browser, "down", down, "bare");
  compare(browser, "down", down, "batched");
  print(browser, "up", up);
  delay(browser, latency);
}
process.exit();

/** A line for each contender, for information. */
function print(browser, way, contenders) {
  for (const [name, rates] of Object.entries(contenders)) {
    const [value, low, high] = [0.5, 0.1, 0.9].map((share) => round(quantile(rates, share)));
    console.log(JSON.stringify({ name: `flood.${way}.${browser}.${name}`, value, unit: "messages/s", low, high, rounds: rates.length }));
  }
}

/** The full guarantee as a multiple of a contender. */
function compare(browser, way, contenders, name) {
  const [ours, theirs] = [contenders.throughline, contenders[name]];
  const ratio = round(quantile(ours.map((rate, i) => rate / theirs[i]), 0.5), 2);
  const [baseline, limit] = [round(quantile(theirs, 0.5)), LIMITS[name]];
  const quietRatio = round(quantile(ours, 0.9) / quantile(theirs, 0.9), 2);
  console.log(JSON.stringify({ name: `flood.${way}.${browser}.over-${name}`, value: ratio, unit: "x", limit, ok: ratio >= limit, baseline, ratio, quietRatio }));
}

function delay(browser, { throughline, bare }) {
  const [ours, baseline] = [throughline, bare].map((spans) => round(median(spans) * 1_000, 1));
  const ratio = round(ours / baseline, 3);
  const limit = LIMITS.latency;
  console.log(JSON.stringify({ name: `flood.latency.${browser}`, value: ratio, unit: "x", limit, ok: ratio <= limit, baseline, ratio, us: ours, echoes: bare.length }));
}

/** The median of a clock that ticks more coarsely than what it measures: looked for inside its tick. */
function median(spans) {
  const middle = quantile(spans, 0.5);
  const sorted = [...new Set(spans)].sort((a, b) => a - b);
  const tick = Math.min(...sorted.slice(1).map((span, i) => span - sorted[i]).filter((gap) => gap > 1e-4));
  const below = spans.filter((span) => span < middle - tick / 2).length;
  const inside = spans.filter((span) => Math.abs(span - middle) <= tick / 2).length;
  return middle - tick / 2 + (tick * (spans.length / 2 - below)) / inside;
}
