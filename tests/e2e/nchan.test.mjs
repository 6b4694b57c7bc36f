// nchan by the recipe of docs/nchan.md, word for word: what its channels keep reaches the page once and in order, over whatever transport, however links are cut.

import assert from "node:assert/strict";
import { after, before } from "node:test";

import { startProxy } from "../../benches/support/faults.mjs";
import { block, installed, startNginx } from "./support/nginx.mjs";
import { inBrowsers } from "./support/suite.mjs";

const WITHOUT_WEBSOCKET = { kind: "refuse403" };
const WITHOUT_STREAM = { kind: "refuse403", on: ["sse"] };
const TRANSPORTS = ["websocket", "sse", "long-poll"];

if (installed("nginx", "nchan")) inBrowsers(suite, { browsers: ["chromium", "firefox"] });

function suite(world) {
  let nginx, proxy, recipe, channels = 0;
  before(async () => {
    recipe = await block("nchan.md", "js");
    const configuration = await block("nchan.md", "nginx");
    nginx = await startNginx((port) => configuration.replace("80;", `127.0.0.1:${port};`).replace("http://127.0.0.1:3000", world.site.url), { nchan: true });
    proxy = await startProxy(new URL(nginx.url).host, "/events");
  });
  after(() => Promise.all([proxy?.stop(), nginx?.stop()]));

  /** Opens a page of nginx's, or of `origin`, behind a proxy that can break what is between. The page has the recipe's function. */
  const visit = async (evaluate, origin = proxy.url) => {
    await proxy.faults();
    await world.browser.open(`${origin}/page`);
    await evaluate(async (recipe, server) => {
      const source = recipe.replace('"throughline"', `"${location.origin}/throughline.js"`).replace("`/events", `\`${server}/events`);
      const { subscribe } = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
      window.subscribe = (channel, options) => {
        const heard = [];
        window.session = subscribe(channel, { remember: false, timing: { backoff: [50, 50, 50, 50] }, ...options });
        session.on("TICK", ({ n }) => heard.push(n), { kept: true });
        session.on("error", () => {});
        return heard;
      };
    }, recipe, proxy.url);
    const channel = `c${++channels}`;
    const publish = async (n) => {
      const response = await fetch(`${nginx.url}/events?channel=${channel}`, { method: "POST", body: JSON.stringify({ type: "TICK", n }) });
      assert.ok(response.ok, `${response.status}`);
    };
    return { channel, publish };
  };

  for (const transport of TRANSPORTS) {
    world.check(`nchan over ${transport} alone: from the start, on after a cut, and up`, async (evaluate) => {
      const { channel, publish } = await visit(evaluate);
      for (const n of [0, 1, 2]) await publish(n);
      await evaluate(async (channel, transport) => {
        window.heard = subscribe(channel, { transports: [transport] });
        await harness.until(() => heard.length === 3 && session.state === "connected", 15_000, () => JSON.stringify([heard, session.explain()]));
      }, channel, transport);
      await publish(3);
      await evaluate(() => harness.until(() => heard.length === 4));
      await Promise.all([proxy.cut(), publish(4), publish(5)]);
      const seen = await evaluate(async () => {
        await harness.until(() => heard.length === 6 && session.state === "connected", 15_000, () => JSON.stringify([heard, session.explain()]));
        await session.send("TICK", { n: 6 });
        await harness.until(() => heard.length === 7);
        const { transport } = session;
        const { lost } = session.stats();
        await session.close();
        return { heard, transport, lost };
      });
      // A browser silently asks again where a poll's connection broke.
      assert.deepEqual(seen, { heard: [0, 1, 2, 3, 4, 5, 6], transport, lost: transport === "long-poll" ? seen.lost : 1 });
    });
  }

  world.check("nchan at another origin than the page's: native streams go on after a cut", async (evaluate) => {
    const { channel, publish } = await visit(evaluate, world.site.url);
    await publish(0);
    await evaluate(async (channel) => {
      window.heard = subscribe(channel, { transports: ["sse"], eventSource: "native" });
      await harness.until(() => heard.length === 1 && session.state === "connected", 15_000, () => JSON.stringify(session.explain()));
    }, channel);
    await Promise.all([proxy.cut(), publish(1)]);
    const heard = await evaluate(async () => {
      await harness.until(() => heard.length === 2 && session.stats().lost, 15_000, () => JSON.stringify([heard, session.explain()]));
      await session.close();
      return heard;
    });
    assert.deepEqual(heard, [0, 1]);
  });

  world.check("nchan: a quiet channel is connected over each transport", async (evaluate) => {
    const { channel } = await visit(evaluate);
    const carried = await evaluate(async (channel, transports) => {
      const carried = [];
      for (const transport of transports) {
        subscribe(channel, { transports: [transport] });
        await harness.until(() => session.state === "connected", 15_000, () => JSON.stringify(session.explain()));
        carried.push(session.explain().attempts.length);
        await session.close();
      }
      return carried;
    }, channel, TRANSPORTS);
    assert.deepEqual(carried, [1, 1, 1]);
  });

  world.check("nchan: what is blocked gives way, and comes back; nothing is lost or doubled by it", async (evaluate, t) => {
    const { channel, publish } = await visit(evaluate);
    let published = 0;
    let on = true;
    const publishing = (async () => {
      while (on) await publish(published++);
    })();
    t.after(() => (on = false));
    const carried = (transport) => evaluate((transport) => harness.until(() => session.transport === transport, 20_000, () => JSON.stringify(session.explain())), transport);
    const steps = { sse: [WITHOUT_WEBSOCKET], "long-poll": [WITHOUT_WEBSOCKET, WITHOUT_STREAM] };
    for (const [transport, rules] of Object.entries(steps)) {
      await proxy.faults(...rules);
      await proxy.cut();
      if (transport === "sse") await evaluate((channel) => void (window.heard = subscribe(channel, { timing: { backoff: [50, 50, 50, 50], climb: 300, climbCap: 300 } })), channel);
      await carried(transport);
    }
    // Streams are open again: polls give way to them.
    await proxy.faults(WITHOUT_WEBSOCKET);
    await carried("sse");
    on = false;
    await publishing;
    const heard = await evaluate(async (count) => {
      await harness.until(() => heard.length >= count, 20_000, () => JSON.stringify([heard.length, count, session.explain()]));
      await session.close();
      return heard;
    }, published);
    assert.deepEqual(heard, heard.map((_, i) => i));
    assert.equal(heard.length, published);
  });
}
