// Sessions over WebRTC: what they carry, how they are set up, and what becomes of them when UDP does not work.

import assert from "node:assert/strict";
import { after, before } from "node:test";

import { startServer } from "./support/server.mjs";
import { startSignaling } from "./support/signaling.mjs";
import { inBrowsers } from "./support/suite.mjs";
import { startTurn } from "./support/turn.mjs";

const VOICE = { entry: "voice", remember: false };

const rtc = async (server, body) => {
  const init = body && { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const response = await fetch(`${server.url}/api/rtc`, init);
  if (!response.ok) throw new Error(`${JSON.stringify(body)}: ${response.status}`);
  return body ? undefined : response.json();
};

inBrowsers((world) => {
  let shim;
  let guarded;
  let turn;
  before(async () => {
    [shim, guarded, turn] = await Promise.all([startSignaling(`${world.server.url}/realtime`), startServer({ more: ["--require-token"] }), startTurn()]);
  });
  after(async () => {
    shim?.close();
    await turn?.stop();
    await guarded?.stop();
  });

  const options = (more = {}) => ({ ...VOICE, url: `${world.server.url}/realtime`, transports: ["webrtc"], ...more });
  const ladder = (more = {}) => options({ transports: ["webrtc", "websocket"], timing: { climb: 500, climbCap: 1_000, stagger: 100 }, ...more });
  /** A test that leaves UDP as it found it, and no peer behind. */
  const check = (title, run, more) =>
    world.check(
      title,
      async (evaluate, t) => {
        try {
          await run(evaluate, t);
        } finally {
          await rtc(world.server, { udp: "pass" });
        }
      },
      more,
    );
  const noPeers = () => until(async () => (await rtc(world.server)).peers === 0);

  check("connects, carries messages both ways and closes cleanly", async (evaluate) => {
    const seen = await evaluate(async (options) => {
      const { session, record } = await harness.open(options);
      const progress = [];
      session.on("progress", ({ step, status }) => progress.push(`${step} ${status}`));
      await harness.until(() => session.state === "connected", 20_000, () => JSON.stringify(session.explain()));
      const echo = session.waitFor("ECHO");
      await session.send("ECHO", { text: "zażółć 🦆" });
      const texts = [await echo, await session.request("ECHO", { a: [1, 2] })];
      const sizes = [];
      for (const size of [0, 1, 70_000, 300_000]) {
        const bytes = Uint8Array.from({ length: size }, (_, i) => (i * 31) & 255);
        const back = session.waitFor("ECHO");
        await session.send("ECHO", bytes);
        const received = await back;
        sizes.push([received.length, received.every((byte, i) => byte === bytes[i])]);
      }
      const long = "ż".repeat(100_000);
      const back = session.waitFor("ECHO");
      await session.send("ECHO", { long });
      const same = (await back).long === long;
      const numbers = [];
      session.on("FLOOD_ITEM", ({ i }) => numbers.push(i));
      await session.send("FLOOD", { count: 2_000, size: 2_000, perUnit: 7 });
      await harness.until(() => numbers.length >= 2_000, 60_000, () => numbers.length);
      const ordered = numbers.every((n, i) => n === i);
      const stats = await session.webrtcStats();
      const { summary, attempts } = session.explain();
      await session.close();
      const { errors, transports } = record;
      return { texts, sizes, same, ordered, stats, summary, attempts, errors, transports, progress, after: [session.state, await session.webrtcStats()] };
    }, options());
    assert.deepEqual(seen.texts, [{ text: "zażółć 🦆" }, { a: [1, 2] }]);
    assert.deepEqual(seen.sizes, [0, 1, 70_000, 300_000].map((size) => [size, true]));
    assert.deepEqual([seen.same, seen.ordered], [true, true]);
    assert.deepEqual(seen.after, ["closed", null]);
    assert.deepEqual(seen.errors, []);
    assert.deepEqual(seen.transports, [{ from: null, to: "webrtc" }, { from: "webrtc", to: null }]);
    assert.match(seen.summary, /connected over webrtc/);
    assert.equal(seen.attempts.length, 1);
    assert.deepEqual(seen.progress, ["api active", "api done", "session active", "session done", "transport active", "transport done"]);
    assert.equal(seen.stats.protocol, "udp");
    assert.equal(typeof seen.stats.rttMs, "number");
    await noPeers();
  });

  check("a refused token is asked for anew; one that stays wrong ends the session", async (evaluate) => {
    const seen = await evaluate(
      async (options, good) => {
        const reasons = [];
        const token = ({ reason }) => reasons.push(reason) > 1 ? good : "sesame-4711";
        const { session, record } = await harness.connected({ ...options, token });
        const echo = await session.request("ECHO", 1);
        await session.close();
        const never = await harness.open({ ...options, token: () => "sesame-4711" });
        await harness.until(() => never.session.state === "failed");
        return { reasons, echo, errors: record.errors, never: never.record.errors };
      },
      options({ url: `${guarded.url}/realtime` }),
      await guarded.mint("anna"),
    );
    assert.deepEqual(seen.reasons, ["connect", "unauthorized"]);
    assert.equal(seen.echo, 1);
    assert.ok(seen.errors.every(({ code, terminal }) => code === "unauthorized" && !terminal));
    const { code, status, terminal } = seen.never.at(-1);
    assert.deepEqual([code, status, terminal], ["unauthorized", 401, true]);
    assert.ok(!JSON.stringify(seen.never).includes("sesame"));
  });

  check("offers are exchanged as the server has it", async (evaluate) => {
    const seen = await evaluate(async (options, shim) => {
      const ways = {
        sdp: { endpoints: { webrtc: `${shim}/sdp` }, webrtc: { signaling: "sdp" } },
        json: { endpoints: { webrtc: `${shim}/json` }, webrtc: { signaling: { name: "json", body: { sessionId: "s1" } } } },
        custom: {
          webrtc: {
            signaling: async (offer, { signal, attempt, reason, url }) => {
              if (!(signal instanceof AbortSignal) || attempt !== 1 || reason !== "offer" || !url.endsWith("/realtime")) throw new Error("?");
              const response = await fetch(`${shim}/sdp`, { method: "POST", body: offer, signal });
              return { sdp: await response.text() };
            },
          },
        },
      };
      const echoes = {};
      for (const [name, more] of Object.entries(ways)) {
        const { session, record } = await harness.connected({ ...options, ...more });
        echoes[name] = [await session.request("ECHO", name), record.errors.length];
        await session.close();
      }
      return echoes;
    }, options(), shim.url);
    assert.deepEqual(seen, { sdp: ["sdp", 0], json: ["json", 0], custom: ["custom", 0] });
    const [, json] = shim.seen;
    assert.equal(JSON.parse(json.body).sessionId, "s1");
    await noPeers();
  });

  check("an exchange that fails says why, without secrets, and another transport carries the session", async (evaluate) => {
    const token = await world.server.mint("anna");
    const seen = await evaluate(async (options, shim, token) => {
      const failed = {};
      for (const path of ["busy", "nonsense", "broken"]) {
        const { session, record } = await harness.connected({ ...options, endpoints: { webrtc: `${shim}/${path}` }, token: () => token, webrtc: { signaling: "sdp" } });
        await harness.until(() => record.errors.length);
        failed[path] = [session.transport, record.errors[0]];
        await session.close();
      }
      const { session, record } = await harness.connected({ ...options, webrtc: { signaling: async () => { throw new Error("not today"); } } });
      await harness.until(() => record.errors.length);
      failed.custom = [session.transport, record.errors[0]];
      await session.close();
      return failed;
    }, ladder(), shim.url, token);
    for (const [path, [transport, { code, terminal }]] of Object.entries(seen)) assert.deepEqual([transport, code, terminal], ["websocket", "signaling_failed", false], path);
    const { status, details, message } = seen.busy[1];
    assert.equal(status, 502);
    assert.match(message, /HTTP 502/);
    assert.match(details, /no room/);
    assert.ok(!JSON.stringify(seen).includes("sesame") && !JSON.stringify(seen).includes(token));
    assert.match(seen.nonsense[1].details, /hotel/);
    assert.match(seen.broken[1].message, /answer/);
    assert.match(seen.custom[1].details, /not today/);
  });

  check("ICE servers come from where they are asked for, and the call goes on without", async (evaluate) => {
    const seen = await evaluate(async (options, shim) => {
      const configurations = [];
      const { RTCPeerConnection: Original } = window;
      window.RTCPeerConnection = class extends Original {
        constructor(configuration) {
          super(configuration);
          configurations.push(configuration.iceServers.map(({ urls }) => urls).flat());
        }
      };
      const results = [];
      for (const iceServers of [`${shim}/ice`, () => ({ iceServers: [{ urls: "stun:127.0.0.1:3479" }] }), `${shim}/refuses`, [{ urls: "turn:127.0.0.1:3478" }]]) {
        const { session, record } = await harness.connected({ ...options, webrtc: { iceServers } });
        results.push([session.transport, record.errors.map(({ code, terminal }) => [code, terminal])]);
        await session.close();
      }
      window.RTCPeerConnection = Original;
      return { configurations, results };
    }, options(), shim.url);
    assert.deepEqual(seen.configurations.slice(0, 3), [["stun:127.0.0.1:3478"], ["stun:127.0.0.1:3479"], []]);
    const failed = [["ice_servers", false]];
    assert.deepEqual(seen.results, [["webrtc", []], ["webrtc", []], ["webrtc", failed], ["webrtc", failed]]);
  });

  check("a relay carries the session over UDP and TCP; wrong credentials are told once, and another transport carries it", async (evaluate) => {
    const seen = await evaluate(async (options, ways) => {
      const results = {};
      for (const [name, iceServers] of Object.entries(ways)) {
        const { session, record } = await harness.connected({ ...options, webrtc: { iceServers, iceTransportPolicy: "relay", gathering: "wait" } });
        const echo = await session.request("ECHO", name);
        const { localCandidate = null, relayProtocol = null } = (await session.webrtcStats()) ?? {};
        results[name] = { echo, transport: session.transport, localCandidate, relayProtocol, errors: record.errors.map(({ code, details }) => [code, details.code]) };
        await session.close();
      }
      return results;
    }, ladder({ timing: {} }), { udp: turn.iceServers("udp"), tcp: turn.iceServers("tcp"), wrong: turn.wrongIceServers("udp") });
    const relayed = (relayProtocol) => ({ echo: relayProtocol, transport: "webrtc", localCandidate: "relay", relayProtocol, errors: [] });
    assert.deepEqual(seen, {
      udp: relayed("udp"),
      tcp: relayed("tcp"),
      wrong: { echo: "wrong", transport: "websocket", localCandidate: null, relayProtocol: null, errors: [["turn_rejected", 401]] },
    });
  });

  check("a JSON server on any channel: messages and bytes as they are, too large ones refused before they are sent", async (evaluate) => {
    const seen = await evaluate(async () => {
      const labels = [];
      let server;
      const signaling = async (sdp) => {
        server = new RTCPeerConnection();
        server.ondatachannel = ({ channel }) => {
          labels.push(channel.label);
          channel.binaryType = "arraybuffer";
          channel.onmessage = ({ data }) => channel.send(data);
        };
        await server.setRemoteDescription({ type: "offer", sdp });
        await server.setLocalDescription(await server.createAnswer());
        await harness.until(() => server.iceGatheringState === "complete");
        return server.localDescription.sdp;
      };
      const { connect } = await import("/voice.js");
      const session = connect({ url: "/nowhere", transports: ["webrtc"], dialect: "json", remember: false, webrtc: { signaling, channel: { label: "oai-events" } } });
      await harness.until(() => session.state === "connected", 20_000, () => JSON.stringify(session.explain()));
      const text = session.waitFor("HELLO");
      await session.send("HELLO", { text: "zażółć" });
      const bytes = session.waitFor("binary");
      await session.send("BYTES", new Uint8Array([0, 0, 7]));
      const back = [await text, [...(await bytes)]];
      const large = await harness.outcome(session.send("HELLO", { text: "x".repeat(300_000) }));
      const after = session.waitFor("AFTER");
      await session.send("AFTER");
      await after;
      await session.close();
      server.close();
      return { labels, back, large: large.error.code };
    });
    assert.deepEqual(seen, { labels: ["oai-events"], back: [{ type: "HELLO", text: "zażółć" }, [0, 0, 7]], large: "too_large" });
  });

  check("a page that goes takes its peer with it", async (evaluate) => {
    await evaluate(async (options) => void (window.opened = await harness.connected(options)), options());
    assert.equal((await rtc(world.server)).peers, 1);
    await world.browser.open(world.site.page({}));
    await noPeers();
  });

  check("where UDP is swallowed another transport stands by, and WebRTC is taken when it works", async (evaluate) => {
    await rtc(world.server, { udp: "drop" });
    const before = await evaluate(async (options) => {
      window.opened = await harness.connected(options);
      const { session, record } = window.opened;
      return [session.transport, await session.request("ECHO", 1), record.errors];
    }, ladder());
    assert.deepEqual(before, ["websocket", 1, []]);
    await rtc(world.server, { udp: "pass" });
    const afterwards = await evaluate(async () => {
      const { session, record } = window.opened;
      await harness.until(() => session.transport === "webrtc", 60_000, () => JSON.stringify(session.explain()));
      const echo = await session.request("ECHO", 2);
      await session.close();
      return [echo, record.errors];
    });
    assert.deepEqual(afterwards, [2, []]);
    await noPeers();
  });

  for (const [title, fault] of Object.entries({ "that dies without a word": { kill: true }, "that closes": { close: true } })) {
    check(`nothing is lost with a peer ${title}`, async (evaluate) => {
      await evaluate(async (options) => {
        const { session } = (window.opened = await harness.connected(options));
        window.heard = [];
        window.sends = [];
        session.on("ECHO", (n) => window.heard.push(n));
        window.timer = setInterval(() => window.sends.push(session.send("ECHO", window.sends.length)), 20);
        await harness.until(() => session.transport === "webrtc" && window.heard.length > 5);
      }, ladder());
      await rtc(world.server, fault);
      const seen = await evaluate(async () => {
        const { session, record } = window.opened;
        await harness.until(() => record.transports.length > 1, 20_000, () => JSON.stringify(session.explain()));
        await harness.until(() => session.state === "connected", 20_000, () => JSON.stringify(session.explain()));
        clearInterval(window.timer);
        await Promise.all(window.sends);
        await harness.until(() => window.heard.length >= window.sends.length);
        const { heard, sends } = window;
        await session.close();
        return { sent: sends.length, heard, gaps: record.gaps };
      });
      assert.deepEqual(seen.heard, Array.from({ length: seen.sent }, (_, n) => n));
      assert.equal(seen.gaps, 0);
      await noPeers();
    });
  }

  check("diagnose() tells what works, leaves nothing open and no secret in its text", async (evaluate) => {
    const token = await guarded.mint("anna");
    const seen = await evaluate(async (options, token, shim) => {
      const { diagnose } = await import("/voice.js");
      const well = await diagnose({ ...options, token: () => token });
      const refused = await diagnose({ ...options, token: () => "sesame-4711" });
      const nothing = await diagnose({ url: "http://127.0.0.1:9/realtime", webrtc: { iceServers: `${shim}/ice` }, timeout: 5_000 });
      const bad = await diagnose({ transports: ["smoke"] });
      return { well, refused, nothing, bad };
    }, options({ url: `${guarded.url}/realtime` }), token, shim.url);
    const judged = ({ checks }) => Object.fromEntries(checks.map(({ name, ok }) => [name, ok]));
    assert.deepEqual(judged(seen.well), { token: true, microphone: true, sdp: true, udp: true, tcp: null, relay: null, websocket: true, sse: true, clock: true }, seen.well.text);
    assert.deepEqual(judged(seen.refused), { ...judged(seen.well), sdp: false, udp: null, sse: false }, seen.refused.text);
    assert.deepEqual(judged(seen.nothing), { token: null, microphone: true, sdp: false, udp: null, tcp: null, relay: null, websocket: false, sse: false, clock: false }, seen.nothing.text);
    assert.deepEqual(judged(seen.bad), { options: false });
    assert.match(seen.refused.text, /FAIL sdp .*HTTP 401/);
    const text = JSON.stringify(seen);
    assert.ok(!text.includes(token) && !text.includes("sesame"));
    await until(async () => (await rtc(guarded)).peers === 0);
  });

  check("a silent path is mended by an ICE restart, and the link stays", async (evaluate) => {
    await evaluate(async (options) => {
      window.patches = [];
      const { fetch } = window;
      window.fetch = async (request, init) => {
        const response = await fetch(request, init);
        if (request.method === "PATCH") window.patches.push([request.headers.get("if-match"), response.status, response.headers.get("etag")]);
        return response;
      };
      window.asked = 0;
      const iceServers = () => ({ iceServers: window.asked++ ? [{ urls: "stun:127.0.0.1:3478" }] : [], ttl: 0 });
      const { setConfiguration } = RTCPeerConnection.prototype;
      RTCPeerConnection.prototype.setConfiguration = function (configuration) {
        window.configured = configuration.iceServers;
        return setConfiguration.call(this, configuration);
      };
      window.opened = await harness.connected({ ...options, webrtc: { iceServers } });
      window.told = (kind) => window.opened.session.explain().timeline.filter(({ what }) => what === kind).length;
    }, options());
    await rtc(world.server, { udp: "drop" });
    await evaluate(() => harness.until(() => window.told("mend") > 0, 10_000, () => JSON.stringify(window.opened.session.explain().timeline)));
    await rtc(world.server, { udp: "pass" });
    const seen = await evaluate(async () => {
      const { session, record } = window.opened;
      await harness.until(() => window.told("mended") > 0, 10_000, () => JSON.stringify(session.explain().timeline));
      const echo = await session.request("ECHO", 1);
      const changes = record.transports.length;
      await session.close();
      return { echo, restart: window.patches.find(([etag]) => etag === "*"), changes, asked: window.asked, configured: window.configured };
    });
    assert.deepEqual(seen, { echo: 1, restart: ["*", 200, '"2"'], changes: 1, asked: 2, configured: [{ urls: ["stun:127.0.0.1:3478"] }] });
    await noPeers();
  });
}, { media: true, browsers: ["chromium", "firefox"], flags: ["--allow-loopback-in-peer-connection"] });

inBrowsers((world) => {
  world.check("diagnose() without WebRTC says so, and looks at the rest", async (evaluate) => {
    const seen = await evaluate(async (options) => {
      const { diagnose } = await import("/voice.js");
      return (await diagnose(options)).checks;
    }, { url: `${world.server.url}/realtime` });
    const ok = Object.fromEntries(seen.map(({ name, ok }) => [name, ok]));
    assert.deepEqual({ ...ok, microphone: null }, { token: null, microphone: null, sdp: null, udp: null, tcp: null, relay: null, websocket: true, sse: true, clock: true });
  });

  world.check("without WebRTC the next transport is used, and nothing is told", async (evaluate) => {
    const seen = await evaluate(async (options) => {
      const { session, record } = await harness.connected(options);
      const echo = await session.request("ECHO", 1);
      const { transport } = session;
      await session.close();
      return { echo, transport, errors: record.errors };
    }, { ...VOICE, url: `${world.server.url}/realtime` });
    assert.deepEqual(seen, { echo: 1, transport: "websocket", errors: [] });
  });
}, { browsers: ["webkit"] });

async function until(holds) {
  for (let tries = 0; !(await holds()); tries++) {
    if (tries === 400) throw new Error(`never: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
