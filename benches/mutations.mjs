// Plants one defect at a time in a copy of the core and runs its tests and random worlds: is each one caught?
// `node benches/mutations.mjs [--worlds N] [--only PATTERN] [--write]`: one JSON object a line; `--write` puts the result into docs/mutations.md.

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { MUTATIONS } from "./mutations/list.mjs";

const ROOT = join(import.meta.dirname, "..");
const TREE = join(ROOT, "target/mutations/tree");
/** Not the build directory of the tree itself: cargo would take the one's programs for the other's. */
const BUILD = join(ROOT, "target/mutations/build");
/** A mutant may run for ever: that is caught as well. */
const LIMIT = 300_000;

const { values: options } = parseArgs({
  options: { worlds: { type: "string", default: "1500" }, only: { type: "string", default: "" }, write: { type: "boolean", default: false } },
});

const git = (...args) => execFileSync("git", args, { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"], encoding: "utf8" });

function copyTree() {
  if (existsSync(TREE)) git("worktree", "remove", "--force", TREE);
  git("worktree", "prune");
  git("worktree", "add", "--detach", TREE, "HEAD");
}

/** Tests that take as long as all others together, and ask for figures, not for what a defect breaks. */
const SLOW = ["a_flapping_only_transport", "moves_are_spread", "a_seed_is_a_whole_run", "a_cut_link_comes_back"];

/** Runs the core's tests and names those that failed. */
function test(limit = LIMIT) {
  const args = ["test", "-p", "throughline-core", "--features", "server", "--no-fail-fast", "-j", "2"];
  const targets = ["--test", "sim", "--test", "server_half", "--test", "parts", "--", ...SLOW.flatMap((name) => ["--skip", name])];
  const env = { ...process.env, CARGO_TARGET_DIR: BUILD, CARGO_PROFILE_DEV_DEBUG: "0", THROUGHLINE_SIM_RUNS: options.worlds, RUST_BACKTRACE: "0" };
  const run = spawnSync("cargo", [...args, ...targets], { cwd: TREE, env, encoding: "utf8", timeout: limit, killSignal: "SIGKILL", maxBuffer: 1 << 28 });
  if (run.error?.code === "ETIMEDOUT") return ["no end"];
  const failed = [...run.stdout.matchAll(/^test (\S+) \.\.\. FAILED$/gm)].map(([, name]) => name);
  if (run.status !== 0 && failed.length === 0) throw new Error(`it does not compile, or was killed:\n${run.stderr.slice(-2_000)}`);
  return failed;
}

/** Plants a defect for as long as `body` runs. */
function withDefect({ name, file, from, to }, body) {
  const path = join(TREE, file);
  const text = readFileSync(path, "utf8");
  if (text.split(from).length !== 2) throw new Error(`${name}: stands ${text.split(from).length - 1} times in ${file}`);
  writeFileSync(path, text.replace(from, () => to));
  try {
    return body();
  } finally {
    writeFileSync(path, text);
  }
}

const WORLDS = "runs::random_runs_hold_every_invariant";

/** Names a test or two: the worlds, and a test that is named after what it shows. */
function summary(failed) {
  const named = failed.filter((name) => !name.startsWith("runs::"));
  const worlds = failed.includes(WORLDS) ? ["random worlds"] : [];
  const rest = named.length > 1 ? [`${named.length - 1} more`] : [];
  return [...worlds, ...named.slice(0, 1).map((name) => `\`${name}\``), ...rest].join(", ");
}

function table(results) {
  const rows = results.map(({ name, file, failed }) => `| ${name} | \`${file.replace("crates/core/src/", "")}\` | ${summary(failed)} |`);
  return ["| defect | in | caught by |", "|---|---|---|", ...rows].join("\n");
}

function write(results) {
  const path = join(ROOT, "docs/mutations.md");
  const [head] = readFileSync(path, "utf8").split("| defect |");
  const worlds = head.replace(/[\d,]+ random worlds/, `${Number(options.worlds).toLocaleString("en")} random worlds`);
  writeFileSync(path, `${worlds}${table(results)}\n`);
}

copyTree();
const sound = test(3 * LIMIT);
if (sound.length) throw new Error(`fails without a defect: ${sound}`);
const results = [];
for (const mutation of MUTATIONS.filter(({ name }) => new RegExp(options.only).test(name))) {
  const failed = withDefect(mutation, test);
  const ok = failed.length > 0;
  console.log(JSON.stringify({ name: `mutation: ${mutation.name}`, value: failed.length, unit: "tests", ok, by: summary(failed) }));
  results.push({ ...mutation, failed });
}
const caught = results.filter(({ failed }) => failed.length > 0).length;
console.log(JSON.stringify({ name: "mutations", value: caught, unit: "caught", limit: results.length, ok: caught === results.length }));
if (options.write) write(results);
git("worktree", "remove", "--force", TREE);
process.exitCode = caught === results.length ? 0 : 1;
