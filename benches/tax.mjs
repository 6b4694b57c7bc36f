// What the SDK costs a message on the main thread, as the ratio of medians over all blocks: one JSON object a line.
// `quietRatio` compares the tenths that the rest of the machine disturbed least.
//
// No debugger and no driver is attached: either would slow both sides of the ratio. The page replaces `WebSocket` by a fake
// that dispatches real MessageEvents, measures, and POSTs what it found.

import { fileURLToPath } from "node:url";

import { quantile, round, runUnattended } from "./support/unattended.mjs";

const LIMIT = 1.28;

const { rounds, messages, contenders } = await runUnattended("chromium", fileURLToPath(new URL("tax/page.js", import.meta.url)));
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
