// The core as JavaScript says what the core as WebAssembly says, whatever both are told.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { CONNECT, ENDED, FRAMES, OPENED, READY, SEND, TIMEOUT, WRITTEN } from "../../pkg/js/core.js";
import { coreOf, instantiate } from "../../pkg/js/plain.js";
import script from "../../pkg/wasm/text/script.js";

const TEXT = new URL("../../pkg/wasm/text/", import.meta.url);
const WORLDS = 400;
const STEPS = 250;

const names = JSON.parse(await readFile(new URL("names.json", TEXT), "utf8"));
const module = new WebAssembly.Module(await readFile(new URL("throughline_bg.wasm", TEXT)));
/** The exports by their long names. */
const named = (wasm) => Object.fromEntries(["memory", "room", "begin", "tell", "take", "accept", "heard", "delivered"].map((name) => [name, wasm[name] ?? wasm[names[name]]]));

/** Numbers below 1, the same ones each time (mulberry32). */
function dice(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let n = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    n = (n + Math.imul(n ^ (n >>> 7), 61 | n)) ^ n;
    return ((n ^ (n >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What a page never says, and a server may. */
const ODD = [NaN, Infinity, -Infinity, -1, -0, 0.5, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53, 1e19, 2 ** 64, 1e300, undefined];
const KINDS = [CONNECT, SEND, SEND, TIMEOUT, OPENED, OPENED, READY, WRITTEN, ENDED, ...Object.values(FRAMES)];

/** A session's options, as `Core::new` reads them. */
function optionsOf(random) {
  const below = (n) => Math.floor(random() * n);
  const restored = below(3) ? [0] : [13, ...Array.from({ length: 13 }, () => below(2 ** 32))];
  const timing = Array.from({ length: below(6) }, () => [below(20), below(30_000)]).flat();
  const words = [...Array.from({ length: 4 }, () => below(2 ** 32)), below(3), below(2), below(2), 1 + below(50), 1 + below(5_000), below(2), below(5), below(2_000)];
  return new Uint8Array(Uint32Array.from([...words, 3, 0, 1, 2, ...restored, ...timing]).buffer);
}

/** What a page does with a core in one world, and what the core says to it. A trap ends the world. */
function live(core, random) {
  const said = [];
  const below = (n) => Math.floor(random() * n);
  const number = () => (below(12) ? below(2 ** below(20)) : ODD[below(ODD.length)]);
  let now = 0;
  const read = (count) => {
    said.push(count);
    for (let n = 0; n < count; n++) said.push(core.take());
  };
  try {
    core = core();
    for (let step = 0; step < STEPS; step++) {
      now += below(4) ? below(3_000) : 0;
      const act = below(10);
      if (act < 7) read(core.tell(below(50) ? now : number(), below(12) ? KINDS[below(KINDS.length)] : below(30), below(10) ? 1 + below(6) : number(), number(), number(), number(), number()));
      else if (act === 7) said.push(core.accept(1 + below(6), number()));
      else if (act === 8) said.push(core.heard(1 + below(6), below(2) * 100));
      else core.delivered(number());
    }
  } catch (error) {
    said.push(error instanceof WebAssembly.RuntimeError || error.message === "abort" ? "trap" : error);
  }
  return said;
}

test("random worlds are told alike by both, odd numbers and all", () => {
  const kinds = { said: 0, traps: 0 };
  for (let seed = 1; seed <= WORLDS; seed++) {
    const options = optionsOf(dice(seed));
    const [wasm, js] = [coreOf(named(new WebAssembly.Instance(module).exports)), coreOf(named(script()))].map((made) => live(() => new made.Core(options), dice(-seed)));
    assert.deepEqual(js, wasm, `seed ${seed}`);
    kinds.said += wasm.length;
    kinds.traps += wasm.at(-1) === "trap" ? 1 : 0;
  }
  // Worlds in which nothing happens would show nothing.
  assert.ok(kinds.said > 100 * WORLDS, `${kinds.said} numbers`);
  assert.ok(kinds.traps < WORLDS / 4, `${kinds.traps} traps`);
});
