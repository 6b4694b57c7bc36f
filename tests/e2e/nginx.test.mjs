// nginx in front of the reference server and of a plain one, as docs/nginx.md has it, and with what people forget: found out, passed by, resumed.

import assert from "node:assert/strict";
import { before } from "node:test";

import { systemFor } from "../systems/support/start.mjs";
import { block, installed, startNginx } from "./support/nginx.mjs";
import { inBrowsers } from "./support/suite.mjs";

/** What people forget to say, or say, by changes of the document. */
const NO_UPGRADE = [/proxy_set_header (Upgrade|Connection) [^]*?;/, ""];
const BUFFERED = [/proxy_buffering off;/, "proxy_ignore_headers X-Accel-Buffering;"];
const HTTP_1_0 = [/proxy_http_version 1.1;/, ""];
const GZIPPED = [/proxy_buffering off;/, "proxy_ignore_headers X-Accel-Buffering; gzip on; gzip_types *;"];
const IMPATIENT = [/proxy_read_timeout 60s;/, "proxy_read_timeout 500ms;"];

if (installed("nginx")) inBrowsers(suite, { browsers: ["chromium", "firefox"] });

function suite(world) {
  let document;
  before(async () => void (document = await block("nginx.md", "nginx")));

  /** nginx as the document has it, but for `changes`, in front of `upstream`; `t` ends it. */
  const front = async (t, upstream, ...changes) => {
    const changed = changes.reduce((text, [from, to]) => {
      assert.ok(text.search(from) >= 0, `${from} is in the document`);
      return text.replaceAll(new RegExp(from, "g"), to);
    }, document);
    const nginx = await startNginx((port) => changed.replace("80;", `127.0.0.1:${port};`).replace("http://127.0.0.1:8787", upstream));
    t.after(() => nginx.stop());
    return nginx.url;
  };

  /** Connects, has messages echoed, and tells what carried them and what came before that. */
  const reach = (evaluate, options) =>
    evaluate(async (options) => {
      const start = performance.now();
      const { session, record } = await harness.connected({ remember: false, ...options });
      const echoes = [];
      session.on("ECHO", ({ n }) => echoes.push(n));
      await session.send("ECHO", { n: 0 });
      await harness.until(() => echoes.length, 15_000, () => JSON.stringify(session.explain()));
      const ms = performance.now() - start;
      const { attempts } = session.explain();
      const { transport } = session;
      await session.close();
      return { transport, echoes, tried: attempts.map(({ transport }) => transport), gaps: record.gaps, ms };
    }, options);

  world.check("nginx as documented passes each transport", async (evaluate, t) => {
    const url = `${await front(t, world.server.url)}/realtime`;
    for (const transport of ["websocket", "sse", "long-poll"]) {
      const { ms, ...seen } = await reach(evaluate, { url, transports: [transport] });
      assert.deepEqual(seen, { transport, echoes: [0], tried: [transport], gaps: 0 });
    }
  });

  const FORGOTTEN = [
    { what: "passes no Upgrade on", changes: [NO_UPGRADE], carries: "sse" },
    { what: "says nothing but proxy_pass", changes: [NO_UPGRADE, HTTP_1_0, [/proxy_buffering off;/, ""]], carries: "sse" },
    { what: "holds streams back", changes: [HTTP_1_0, BUFFERED], transports: ["sse", "long-poll"], muted: true, carries: "long-poll" },
    { what: "packs streams", changes: [GZIPPED], transports: ["sse", "long-poll"], muted: true, carries: "long-poll" },
    { what: "passes no Upgrade on and holds streams back", changes: [NO_UPGRADE, HTTP_1_0, BUFFERED], carries: "long-poll" },
  ];
  for (const { what, changes, transports = ["websocket", "sse", "long-poll"], muted, carries } of FORGOTTEN) {
    world.check(`nginx that ${what}: ${carries} carries`, async (evaluate, t) => {
      const url = `${await front(t, world.server.url, ...changes)}/realtime`;
      const seen = await reach(evaluate, { url, transports });
      assert.deepEqual([seen.transport, seen.tried[0]], [carries, transports[0]]);
      t.diagnostic(`${world.name}: a message was back after ${Math.round(seen.ms)} ms`);
      if (!muted) return;
      const { code, transport } = await evaluate(async (url) => {
        const { session, record } = await harness.open({ url, transports: ["sse"], timing: { proof: 500 } });
        await harness.until(() => record.errors.length);
        await session.close();
        return record.errors[0];
      }, url);
      assert.deepEqual([code, transport], ["muted", "sse"]);
    });
  }

  for (const transport of ["websocket", "sse", "long-poll"]) {
    world.check(`nginx that cuts an idle ${transport}: resumed, and nothing is lost`, async (evaluate, t) => {
      const url = `${await front(t, world.server.url, IMPATIENT)}/realtime`;
      const seen = await evaluate(async (url, transport) => {
        const { session, record } = await harness.connected({ url, transports: [transport], remember: false, timing: { backoff: [50, 50, 50, 50] } });
        const echoes = [];
        session.on("ECHO", ({ n }) => echoes.push(n));
        for (let n = 0; n < 2; n++) {
          await session.send("ECHO", { n });
          await harness.until(() => session.stats().lost > n, 15_000, () => JSON.stringify(session.explain()));
        }
        await harness.until(() => echoes.length === 2, 15_000, () => JSON.stringify([echoes, session.explain()]));
        await session.close();
        return { echoes, gaps: record.gaps };
      }, url, transport);
      assert.deepEqual(seen, { echoes: [0, 1], gaps: 0 });
    });
  }

  for (const held of [false, true]) {
    world.check(`nginx before a plain server, streams ${held ? "held back: polls deliver" : "passed on"}`, async (evaluate, t) => {
      const { url: upstream } = await systemFor(t, "e", "--token", "operator", "--heartbeat", "100");
      const url = await front(t, upstream, [/location \/realtime/, "location /"], ...(held ? [HTTP_1_0, BUFFERED] : []));
      const seen = await evaluate(async (url) => {
        const show = `${url}/api/shows/demo`;
        const { session } = await harness.connected({
          endpoints: { sse: `${show}/stream`, poll: `${show}/events`, send: null }, transports: ["sse", "long-poll"], remember: false, token: () => "operator",
          dialect: {
            name: "json", heartbeat: 15_000,
            poll: { interval: 50, messages: ({ events }) => events, cursor: (last, answer) => ({ cursor: answer?.cursor ?? 0 }) },
          },
        });
        const texts = [];
        session.on("COMMENT", ({ text }) => texts.push(text));
        await fetch(`${url}/api/debug/emit-comment`, { method: "POST", body: '{"text":"one"}' });
        await harness.until(() => texts.length, 15_000, () => JSON.stringify(session.explain()));
        const { transport } = session;
        await session.close();
        return { texts, transport };
      }, url);
      assert.deepEqual(seen, { texts: ["one"], transport: held ? "long-poll" : "sse" });
    });
  }
}
