// Sound through functions that are cut off every few seconds: what of it is lost, doubled or reordered, what the app sees of the cuts, and what is heard of them.
// One JSON object a line.
//
// `node benches/serverless.mjs [--only PATTERN] [--seconds N] [--cut N]`, started by `cargo xtask measure serverless`. The app is the recipe for it as it stands
// (docs/recipes/c.md); in the cases `both-ways` it is the page itself that says what comes back to it. A stream counts as useful after 2 s, which each line says.

import { parseArgs } from "node:util";

import { startBrowser } from "../tests/e2e/support/browsers.mjs";
import { BLOCK, lateness, listenIn } from "../tests/e2e/support/ear.mjs";
import { recipe } from "../tests/e2e/support/recipe.mjs";
import { endOfCuts, frame, hearCuts, speakHere, speakInto, tally } from "../tests/e2e/support/serverless.mjs";
import { startSite } from "../tests/e2e/support/site.mjs";
import { startSystem } from "../tests/systems/support/start.mjs";

const TIMING = { stable: 2_000 };
/** Milliseconds that a cut may silence the sound: the way to another stream is spread over 250, and what plays keeps 120 at most. */
const SILENCE = 600;
const CASES = [
  { title: "clean", flags: ["--ids"] },
  { title: "reset", flags: ["--ids", "--reset"] },
  { title: "clean.both-ways", flags: ["--ids"], up: true },
  { title: "reset.both-ways", flags: ["--ids", "--reset"], up: true },
  { title: "clean.no-ids", flags: [], lossy: true },
  { title: "reset.no-ids", flags: ["--reset"], lossy: true },
];

const { values } = parseArgs({ options: { only: { type: "string", default: "" }, seconds: { type: "string", default: "120" }, cut: { type: "string", default: "5" } } });
const only = new RegExp(values.only);
const count = 50 * Number(values.seconds);
const site = await startSite();
const code = await recipe("c", ["After"], site);
for (const name of ["chromium", "firefox"]) {
  const chosen = CASES.map(({ title, ...rest }) => ({ name: `serverless.${name}.${title}`, ...rest })).filter(({ name }) => only.test(name));
  if (!chosen.length) continue;
  const browser = await startBrowser(name, { media: true, flags: ["--autoplay-policy=no-user-gesture-required"] });
  for (const { name, ...how } of chosen) {
    const lines = await measure(browser, how).catch((error) => [{ name: "failed", value: null, ok: false, error: error.message }]);
    for (const line of lines) console.log(JSON.stringify({ ...line, name: `${name}.${line.name}` }));
  }
  await browser.stop();
}
site.close();
process.exit();

/** With `up`, the page itself says what comes back to it; else somebody else does. */
async function measure(browser, { flags, lossy = false, up = false }) {
  const system = await startSystem("c", "--deployment", "sse", "--frames", "0", "--cut", values.cut, ...flags);
  try {
    await browser.open(site.page());
    await browser.evaluate(listenIn);
    const session = await browser.evaluate(hearCuts, code, system.url, TIMING);
    await speakInto(system.url, session, up ? 1 : count);
    const rejected = up ? await browser.evaluate(speakHere, String(frame), 1, count) : [];
    const told = await browser.evaluate(endOfCuts, count, lossy);
    const cuts = system.log.all.filter((line) => line.includes("GET /api/audio-stream")).length - 1;
    return figures({ ...told, rejected }, cuts, lossy);
  } finally {
    await system.stop();
  }
}

function figures({ rejected, numbers, came, states, errors, silences, heard, glitches }, cuts, lossy) {
  const { lost, doubled, reordered } = tally(numbers, count);
  const audible = silences.filter((ms) => ms > BLOCK);
  const about = { cuts, of: count, timing: TIMING };
  const whole = lost + doubled + reordered === 0;
  return [
    { name: "frames", value: lost, unit: "lost", doubled, reordered, ...(rejected.length && { rejected }), ...about, ...(lossy ? {} : { limit: 0, ok: whole && cuts > 0 }) },
    { name: "seen", value: states.length, unit: "state changes", states, errors, ...about, ...(lossy ? {} : { limit: 0, ok: states.length + errors.length === 0 }) },
    {
      name: "silences", value: audible.length, unit: "gaps", longest: Math.max(0, ...audible), all: audible, glitches, seconds: Math.round(heard), late: Math.round(lateness(came)), ...about,
      ...(lossy ? {} : { limit: cuts, longestLimit: SILENCE, ok: audible.length <= cuts && Math.max(0, ...audible) <= SILENCE }),
    },
  ];
}
