// docs/strict-pages.md: its tables are what `cargo xtask measure csp` holds browsers to.

import assert from "node:assert/strict";
import { test } from "node:test";

import { ENTRIES, NONCE, POLICIES, SOUNDS, expected } from "../e2e/support/strict/policies.mjs";
import { pageAt } from "./support/pages.mjs";

const SITES = { here: "https://app.example", away: "https://rt.example" };
const NAMES = { chromium: "Chromium", firefox: "Firefox", webkit: "WebKit" };

/** What a page is like, in words. */
function spelled({ policy, meta, reportOnly, headers = {}, away, frame, worker, inherits, workletUrl }) {
  const text = (say) => `\`${say(SITES).replace("default-src 'none'; ", "").replace(NONCE, "…")}\``;
  const parts = [];
  if (policy) parts.push(text(policy));
  if (meta) parts.push(`${text(meta)} in a \`<meta>\``);
  if (reportOnly) parts.push(`${text(reportOnly)}, reported only`);
  if (away) parts.push("the server elsewhere");
  if (worker) parts.push(`the worker's own: ${text(worker)}`);
  if (inherits) parts.push("worker from a `blob:`");
  for (const [name, value] of Object.entries(headers)) parts.push(`\`${name}: ${value}\``);
  if (frame) parts.push(`in a frame of another site's${Object.entries(frame).map(([name, value]) => `, \`${name}="${value}"\``).join("")}`);
  if (workletUrl) parts.push("`workletUrl`");
  return parts.join("; ");
}

/** What it comes to, and where a browser differs. */
function outcome(page, entry) {
  const usual = expected(page, entry);
  const others = Object.keys(NAMES).filter((browser) => expected(page, entry, browser) !== usual);
  return [`\`${usual}\``, ...others.map((browser) => `(${NAMES[browser]}: \`${expected(page, entry, browser)}\`)`)].join(" ");
}

const table = (head, rows) => [head, head.map(() => "---"), ...rows].map((cells) => (cells[0] === "---" ? `|${cells.join("|")}|` : `| ${cells.join(" | ")} |`)).join("\n");

const entries = ["throughline", "wasm", "no-wasm"].map((name) => ENTRIES[name]);
const TABLES = {
  sessions: table(
    ["", "policy, after `default-src 'none'`", "`throughline`, `/voice`", "`/wasm`, `/voice/wasm`", "`/no-wasm`"],
    Object.entries(POLICIES).map(([name, page]) => [name, spelled(page), ...entries.map((entry) => outcome(page, entry))]),
  ),
  sound: table(
    ["", "policy, after `default-src 'none'`", "it comes to"],
    Object.entries(SOUNDS).map(([name, page]) => [name, spelled(page), outcome(page, ENTRIES.voice)]),
  ),
};

for (const [name, expected] of Object.entries(TABLES)) {
  test(`the table of ${name} says what the runs are held to`, async () => {
    const { tokens } = await pageAt("docs/strict-pages.md");
    const shown = tokens.filter(({ type }) => type === "table").map(({ raw }) => raw.trim());
    assert.ok(shown.includes(expected), `it should have:\n${expected}`);
  });
}
