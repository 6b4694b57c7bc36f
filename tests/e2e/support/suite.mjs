// What every suite shares: one server, one site, one browser at a time, and a clean page for each test.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { BROWSERS, startBrowser } from "./browsers.mjs";
import { startServer } from "./server.mjs";
import { startSite } from "./site.mjs";

/** Milliseconds of the longest test: a browser that hangs does not hold the rest. */
const LONGEST = 300_000;

/**
 * Runs `define` once per browser. Its world has `server`, `site`, `browser`, and `check(title, run, options)`, which gives
 * each test a fresh page with no faults in force and asserts that the page told of no error that `run` did not expect.
 * One with a `todo` may fail until that is done. `more` are further arguments of the server;
 * `media` gives browsers a microphone and a sound card, `flags` are further ones of Chromium's, `modules` further files of the site: their text by path.
 */
export function inBrowsers(define, { browsers = BROWSERS, secure = false, more = [], media = false, flags = [], modules } = {}) {
  for (const name of browsers.filter((name) => BROWSERS.includes(name))) {
    describe(name, () => {
      const world = { name };
      before(async () => {
        [world.server, world.site, world.browser] = await Promise.all([startServer({ more }), startSite({ secure, modules }), startBrowser(name, { media, flags })]);
      });
      after(async () => {
        world.site?.close();
        const stopped = await Promise.allSettled([world.browser?.stop(), world.server?.stop()]);
        for (const { reason } of stopped) if (reason) throw reason;
      });
      world.check = (title, run, { page = {}, allowed = [], todo } = {}) =>
        test(title, { todo, timeout: LONGEST }, async (t) => {
          await world.server.faults();
          await world.browser.open(world.site.page(page));
          const evaluate = world.browser.evaluate.bind(world.browser);
          await run(evaluate, t);
          const { errors, rejections } = await world.browser.told();
          const unexpected = [...errors, ...rejections.map((text) => `unhandled rejection: ${text}`)];
          assert.deepEqual(unexpected.filter((line) => !allowed.some((pattern) => pattern.test(line))), []);
        });
      define(world);
    });
  }
}
