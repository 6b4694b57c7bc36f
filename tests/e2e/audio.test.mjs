// The voice of a session: the microphone and all that befalls it, sound as messages both ways, and what is left of it at the end.

import assert from "node:assert/strict";
import { after, before } from "node:test";

import { startHostile } from "./support/hostile.mjs";
import { inBrowsers } from "./support/suite.mjs";

const RATE = 24_000;

/** A second of a tone as a server of plain JSON sends it. */
const tone = (seconds) => {
  const pcm = Int16Array.from({ length: seconds * RATE }, (_, i) => 12_000 * Math.sin((2 * Math.PI * 440 * i) / RATE));
  return JSON.stringify({ type: "audio", audio: Buffer.from(pcm.buffer).toString("base64") });
};
const say = (type, payload) => JSON.stringify({ type, ...payload });

/** Opens a session with a server of plain JSON that the test speaks for; `window.audio` keeps what it tells. */
async function open(url, options) {
  window.up = harness.recordUp();
  const { session, record } = await harness.connected({ entry: "voice", url, dialect: "json", transports: ["websocket"], remember: false, ...options });
  const told = { state: [], speaking: [], playback: [], muted: [], devices: [], interrupted: [], levels: [] };
  for (const [name, list] of Object.entries(told)) session.audio.on(name === "levels" ? "level" : name, (event) => list.push(event));
  const sent = (type) => up.map((text) => JSON.parse(text)).filter((message) => message.type === type);
  window.audio = { session, record, told, sent };
}

/** Puts a function of the test's in front of getUserMedia. */
function wrap(source) {
  const { mediaDevices } = navigator;
  const real = mediaDevices.getUserMedia.bind(mediaDevices);
  const wrapper = (0, eval)(`(${source})`);
  mediaDevices.getUserMedia = async (constraints) => wrapper(real, constraints);
}

inBrowsers((world) => {
  let server;
  before(async () => (server = await startHostile()));
  after(() => server?.close());
  const opened = (evaluate, options = {}) => evaluate(open, server.url, options);

  world.check("the microphone is heard: levels, speech, and its sound as messages between start and stop", async (evaluate) => {
    await opened(evaluate);
    const seen = await evaluate(async () => {
      const { session, told, sent } = window.audio;
      await Promise.all([session.audio.start(), session.audio.start()]);
      // A tone that never changes is noise: speech is what comes after quiet.
      session.audio.mute();
      await harness.until(() => told.levels.length > 3 && told.levels.slice(-3).every(({ level }) => level === 0));
      session.audio.unmute();
      await harness.until(() => session.audio.isUserSpeaking && sent("audio").length > 20, 10_000, () => JSON.stringify(told.speaking));
      const loudest = () => sent("audio").reduce((most, { audio }) => {
        const samples = new Int16Array(Uint8Array.from(atob(audio), (char) => char.charCodeAt(0)).buffer);
        return samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), most);
      }, 0);
      await harness.until(() => loudest() > 1_000);
      await session.audio.stop();
      await harness.until(() => sent("audio:stop").length);
      const { state, speaking, levels } = told;
      return { state, speaking, loud: Math.max(...levels.map(({ level }) => level)), starts: sent("audio:start"), stops: sent("audio:stop"), last: JSON.parse(up.at(-1)).type };
    });
    assert.deepEqual(seen.state, [{ from: "off", to: "asking" }, { from: "asking", to: "on" }, { from: "on", to: "off" }]);
    assert.deepEqual(seen.speaking[0], { who: "user", speaking: true });
    assert.deepEqual(seen.speaking.at(-1), { who: "user", speaking: false });
    assert.ok(seen.loud > 0.01 && seen.loud < 1, `${seen.loud}`);
    assert.deepEqual(seen.starts, [{ stream: 1, rate: 16_000, type: "audio:start" }]);
    assert.deepEqual([seen.stops, seen.last], [[{ stream: 1, type: "audio:stop" }], "audio:stop"]);
  });

  world.check("a stream that comes after stop() is stopped at once, and its start is told so", async (evaluate) => {
    await opened(evaluate);
    await evaluate(wrap, String(async (real, constraints) => {
      const stream = await real(constraints);
      window.late = stream.getAudioTracks()[0];
      await new Promise((resolve) => (window.answer = resolve));
      return stream;
    }));
    const seen = await evaluate(async () => {
      const { session, told } = window.audio;
      const started = harness.outcome(session.audio.start());
      await harness.until(() => window.answer);
      await session.audio.stop();
      const { error } = await started;
      const before = late.readyState;
      window.answer();
      await harness.until(() => late.readyState === "ended", 5_000, "the late stream stopped");
      return { code: error?.code, before, state: session.audio.state, states: told.state.map(({ to }) => to) };
    });
    assert.deepEqual(seen, { code: "aborted", before: "live", state: "off", states: ["asking", "off"] });
  });

  world.check("a signal stops a start, and later the microphone", async (evaluate) => {
    await opened(evaluate);
    const seen = await evaluate(async () => {
      const { audio } = window.audio.session;
      const early = await harness.outcome(audio.start({ signal: AbortSignal.abort() }));
      const abort = new AbortController();
      await audio.start({ signal: abort.signal });
      const between = audio.state;
      abort.abort();
      await harness.until(() => audio.state === "off");
      return { early: early.error?.code, between };
    });
    assert.deepEqual(seen, { early: "aborted", between: "on" });
  });

  world.check("a device that is no more is replaced: chosen long ago, unplugged, or another default", async (evaluate) => {
    await opened(evaluate);
    await evaluate(wrap, String(async (real, constraints) => {
      window.asked = [...(window.asked ?? []), constraints.audio.deviceId ?? null];
      const stream = await real(constraints);
      window.tracks = [...(window.tracks ?? []), stream.getAudioTracks()[0]];
      return stream;
    }));
    const seen = await evaluate(async (browser) => {
      const { session, told, sent } = window.audio;
      const { mediaDevices } = navigator;
      const { enumerateDevices } = mediaDevices;
      const devicesAre = (list) => {
        mediaDevices.enumerateDevices = async () => list;
        mediaDevices.dispatchEvent(new Event("devicechange"));
      };
      await session.audio.start({ deviceId: "gone" });
      const chosen = asked;
      window.asked = [];
      const flowed = () => sent("audio").length;
      // Unplugged: the track ends by itself, or its device is in the list no more. Firefox lets no script say the first.
      if (browser === "chromium") tracks[0].dispatchEvent(new Event("ended"));
      else devicesAre([]);
      await harness.until(() => asked.length === 1 && session.audio.state === "on", 5_000, () => JSON.stringify([asked, chosen, told.state, tracks.map((t) => t.readyState)]));
      const replaced = [tracks[0].readyState, tracks[1].readyState];
      // Another default: same id, another label.
      const { deviceId: same } = tracks.at(-1).getSettings();
      devicesAre([{ kind: "audioinput", deviceId: same, label: "A headset", groupId: "" }]);
      await harness.until(() => asked.length === 2);
      await harness.until(() => tracks[1].readyState === "ended" && tracks[2].readyState === "live");
      mediaDevices.enumerateDevices = enumerateDevices;
      const { inputs } = await session.audio.devices();
      const before = flowed();
      await session.audio.setInput(inputs.at(-1).id);
      await harness.until(() => flowed() > before + 5);
      const live = tracks.map(({ readyState }) => readyState);
      const { deviceId } = tracks.at(-1).getSettings();
      await session.close();
      return { chosen, replaced, inputs: told.devices.at(-1).inputs, live, same: deviceId === inputs.at(-1).id, states: told.state.map(({ to }) => to), starts: sent("audio:start").length, errors: window.audio.record.errors, last: tracks.at(-1).readyState };
    }, world.name);
    assert.deepEqual(seen.chosen, [{ exact: "gone" }, null]);
    assert.deepEqual(seen.replaced, ["ended", "live"]);
    assert.deepEqual(seen.inputs.map(({ label }) => label), ["A headset"]);
    assert.deepEqual(seen.live, ["ended", "ended", "ended", "live"]);
    assert.deepEqual([seen.same, seen.starts, seen.errors, seen.last], [true, 1, [], "ended"]);
    assert.deepEqual(seen.states, ["asking", "on", "asking", "on", "off"]);
  });

  world.check("a microphone that is lost, busy or dumb is told, and one that only fell silent is asked for anew", async (evaluate) => {
    await opened(evaluate);
    // No browser here can be made to hold a device for itself: the failures are those it would give.
    await evaluate(wrap, String(async (real, constraints) => {
      window.asked = (window.asked ?? 0) + 1;
      if (window.fails) throw new DOMException("held", window.fails);
      if (!window.dumb) return real(constraints);
      const context = (window.silence ??= new AudioContext());
      return context.createMediaStreamDestination().stream;
    }));
    await world.browser.driver.actions().sendKeys("a").perform();
    const seen = await evaluate(async () => {
      const { session, told, record } = window.audio;
      const { audio } = session;
      window.fails = "NotReadableError";
      const busy = await harness.outcome(audio.start());
      window.fails = undefined;
      // It runs, and all it gives is zeros; the second time it is well.
      window.dumb = true;
      window.asked = 0;
      await audio.start();
      await harness.until(() => audio.state === "silent", 10_000, "silent");
      window.dumb = false;
      await harness.until(() => audio.state === "on" || asked > 1, 10_000);
      const again = asked;
      if (audio.state !== "on") {
        // The device that was asked for anew was as dumb: one that is chosen by hand is heard.
        await audio.stop();
        await audio.start();
      }
      await harness.until(() => audio.level > 0, 10_000, "heard");
      window.fails = "NotFoundError";
      navigator.mediaDevices.enumerateDevices = async () => [];
      navigator.mediaDevices.dispatchEvent(new Event("devicechange"));
      await harness.until(() => audio.state === "off");
      await harness.until(() => record.errors.length);
      return { busy: busy.error, again, states: told.state.map(({ to }) => to), errors: record.errors };
    });
    assert.equal(seen.busy.code, "mic_in_use");
    assert.ok(seen.busy.remediation);
    assert.equal(seen.again, 2);
    assert.ok(seen.states.includes("silent"));
    assert.deepEqual(seen.errors.map(({ code, terminal, cause }) => [code, terminal, /no microphone/.test(cause)]), [["mic_lost", false, true]]);
  });

  world.check("mute() sends no sound and keeps the device; what the system mutes is told apart", async (evaluate) => {
    await opened(evaluate);
    const seen = await evaluate(async () => {
      const { session, told, sent } = window.audio;
      const { audio } = session;
      await audio.start();
      await harness.until(() => sent("audio").length > 3);
      audio.mute();
      const muted = [audio.userMuted, audio.systemMuted, audio.state];
      const before = sent("audio").length;
      const levels = told.levels.length;
      await harness.until(() => told.levels.length > levels + 20);
      const during = sent("audio").length - before;
      audio.unmute();
      await harness.until(() => sent("audio").length > before + 5);
      return { muted, during, events: told.muted };
    });
    assert.deepEqual(seen, { muted: [true, false, "on"], during: 0, events: [{ user: true, system: false }, { user: false, system: false }] });
  });

  world.check("the server's sound is heard, and a barge-in ends it and says how much was", async (evaluate) => {
    await opened(evaluate);
    // With the microphone on, browsers let a page play.
    await evaluate(async () => {
      const { session, told } = audio;
      session.audio.start();
      await harness.until(() => session.audio.state === "on", 10_000, () => JSON.stringify(told));
    });
    server.say(say("audio:start", { stream: 7, rate: RATE }));
    server.say(tone(5));
    const seen = await evaluate(async () => {
      const { session, told, sent } = window.audio;
      await harness.until(() => session.audio.isAgentSpeaking, 5_000, () => JSON.stringify([told, audio.record.errors]));
      const start = performance.now();
      const context = new AudioContext();
      const analyser = context.createAnalyser();
      context.createMediaStreamSource(document.querySelector("audio").srcObject).connect(analyser);
      const samples = new Float32Array(analyser.fftSize);
      const loud = () => {
        analyser.getFloatTimeDomainData(samples);
        return Math.max(...samples);
      };
      await harness.until(() => loud() > 0.2, 5_000, "sound");
      session.audio.interrupt();
      await harness.until(() => told.interrupted.length, 5_000, "interrupted");
      const wall = performance.now() - start;
      await harness.until(() => loud() < 0.001, 5_000, "silence");
      const { glitches } = await session.audio.stats();
      context.close();
      return { interrupted: told.interrupted, sent: sent("audio:interrupt"), wall, glitches, speaking: session.audio.isAgentSpeaking };
    });
    const [{ stream, played, ms }] = seen.interrupted;
    assert.deepEqual(seen.sent, [{ stream: 7, played, type: "audio:interrupt" }]);
    assert.equal(stream, 7);
    assert.ok(played > 0 && played < 5 * RATE && ms <= seen.wall + 150, JSON.stringify(seen));
    assert.deepEqual([seen.glitches, seen.speaking], [0, false]);
    // What still comes of that stream is not heard; the next one is.
    server.say(tone(1));
    server.say(say("audio:start", { stream: 8, rate: RATE }));
    server.say(tone(0.2));
    server.say(say("audio:end", { stream: 8 }));
    const after = await evaluate(async () => {
      const { session, told } = window.audio;
      const agent = () => told.speaking.filter(({ who }) => who === "agent").map(({ speaking }) => speaking);
      await harness.until(() => agent().length === 4 && !session.audio.isAgentSpeaking, 5_000, () => JSON.stringify(told));
      return agent();
    });
    assert.deepEqual(after, [true, false, true, false]);
  });

  // Firefox is told to let everything play.
  if (world.name === "chromium") world.check("where the browser lets nothing play, that is told, and the user's next sign heals it", async (evaluate) => {
    await opened(evaluate);
    server.say(say("audio:start", { stream: 1, rate: RATE }));
    server.say(tone(1));
    await evaluate(async () => {
      const { session, told } = window.audio;
      await harness.until(() => told.playback.length, 5_000, "blocked");
      if (!session.audio.playbackBlocked) throw new Error("not blocked");
    });
    await world.browser.driver.actions().sendKeys("a").perform();
    const seen = await evaluate(async () => {
      const { session, told } = window.audio;
      await harness.until(() => session.audio.isAgentSpeaking && told.playback.length > 1, 5_000, () => JSON.stringify(told));
      return told.playback;
    });
    assert.deepEqual(seen, [{ blocked: true }, { blocked: false }]);
  });

  world.check("twenty rounds of start and stop leave nothing behind, and neither does the end of the session", async (evaluate) => {
    await evaluate(() => {
      window.kept = { contexts: [], tracks: [], memories: [], nodes: 0 };
      const { AudioContext, AudioWorkletNode } = window;
      window.AudioContext = class extends AudioContext {
        constructor(...args) {
          super(...args);
          kept.contexts.push(this);
        }
      };
      window.AudioWorkletNode = class extends AudioWorkletNode {
        constructor(...args) {
          super(...args);
          kept.nodes++;
        }
        disconnect(...args) {
          kept.nodes--;
          return super.disconnect(...args);
        }
      };
      const { Instance } = WebAssembly;
      WebAssembly.Instance = class extends Instance {
        constructor(...args) {
          super(...args);
          kept.memories.push(Object.values(this.exports).find((item) => item instanceof WebAssembly.Memory));
        }
      };
      const { mediaDevices } = navigator;
      const real = mediaDevices.getUserMedia.bind(mediaDevices);
      mediaDevices.getUserMedia = async (constraints) => {
        const stream = await real(constraints);
        kept.tracks.push(...stream.getTracks());
        return stream;
      };
    });
    await opened(evaluate);
    const seen = await evaluate(async () => {
      const { session } = window.audio;
      const { audio } = session;
      const bytes = () => kept.memories.reduce((sum, memory) => sum + memory.buffer.byteLength, 0);
      let before;
      for (let round = 0; round < 20; round++) {
        await audio.start();
        await audio.stop();
        if (round === 4) before = bytes();
      }
      const grown = bytes() - before;
      const idle = [kept.tracks.filter(({ readyState }) => readyState === "live").length, kept.nodes, kept.contexts.length];
      await audio.start();
      await session.close();
      const over = await harness.outcome(audio.start());
      await harness.until(() => kept.contexts.every(({ state }) => state === "closed"), 5_000, "contexts closed");
      return { grown, idle, live: kept.tracks.filter(({ readyState }) => readyState === "live").length, nodes: kept.nodes, elements: document.querySelectorAll("audio").length, over: over.error?.code, state: audio.state };
    });
    assert.deepEqual(seen, { grown: 0, idle: [0, 0, 1], live: 0, nodes: 0, elements: 0, over: "closed", state: "off" });
  });

  for (const transport of ["webrtc", "websocket", "sse", "long-poll"]) {
    world.check(`what is said over ${transport} comes back`, async (evaluate) => {
      const seen = await evaluate(async (url, transport) => {
        const { session, record } = await harness.connected({ entry: "voice", url, transports: [transport], remember: false });
        await session.send("audio:mode", { mode: "echo" });
        const began = new Promise((resolve) => session.once("audio:start", resolve));
        const speaking = [];
        session.audio.on("speaking", (event) => speaking.push(event));
        session.audio.start();
        let rtp;
        began.then((start) => (rtp = !!start.rtp));
        await harness.until(() => rtp !== undefined, 10_000, "audio:start");
        const context = new AudioContext();
        const analyser = context.createAnalyser();
        const tapped = new Set();
        const samples = new Float32Array(analyser.fftSize);
        const loud = () => {
          for (const { srcObject } of document.querySelectorAll("audio")) {
            if (!srcObject || tapped.has(srcObject)) continue;
            tapped.add(srcObject);
            context.createMediaStreamSource(srcObject).connect(analyser);
          }
          analyser.getFloatTimeDomainData(samples);
          return Math.max(...samples) > 0.01;
        };
        // The page is told a little later than it can be heard.
        const heard = () => loud() && speaking.some(({ who }) => who === "agent");
        await harness.until(heard, 10_000, () => JSON.stringify([speaking, record.errors, session.audio.state]));
        context.close();
        await session.close();
        return { rtp, errors: record.errors, elements: document.querySelectorAll("audio").length };
      }, `${world.server.url}/realtime`, transport);
      assert.deepEqual(seen, { rtp: transport === "webrtc", errors: [], elements: 0 });
    });
  }

  world.check("another rung takes over in mid-conversation, and it is told how long no sound flowed", async (evaluate) => {
    await evaluate(async (url) => {
      const { session, record } = await harness.connected({ entry: "voice", url, transports: ["websocket", "sse"], remember: false, timing: { climb: 60_000 } });
      await session.send("audio:mode", { mode: "echo" });
      window.rungs = [];
      session.on("rung", (change) => rungs.push(change));
      session.audio.start();
      await harness.until(() => session.audio.isAgentSpeaking, 10_000, "the echo");
      window.opened = { session, record };
    }, `${world.server.faulty}/realtime`);
    await world.server.faults({ kind: "rst", on: ["websocket"] });
    await world.server.cut("websocket");
    const [change] = await evaluate(async () => {
      await harness.until(() => rungs.length, 15_000, "another rung");
      await harness.until(() => opened.session.audio.isAgentSpeaking, 10_000, "the echo again");
      await opened.session.close();
      return rungs;
    });
    assert.deepEqual([change.from, change.to], ["websocket", "sse"]);
    assert.ok(change.gapMs > 0 && change.gapMs < 10_000, `${change.gapMs}`);
  });

  world.check("a policy against blobs is told, and a file of the page's own heals it", async (evaluate) => {
    const seen = await evaluate(async (url) => {
      const heard = async (options) => {
        const { session, record } = await harness.connected({ entry: "voice", url, dialect: "json", transports: ["websocket"], remember: false, audio: options });
        let levels = 0;
        session.audio.on("level", () => levels++);
        await session.audio.start();
        await harness.until(() => levels > 5 || record.errors.length, 5_000, "a level, or an error");
        await session.close();
        return { code: record.errors[0]?.code, remediation: record.errors[0]?.remediation, heard: levels > 5 };
      };
      return [await heard({}), await heard({ workletUrl: "/audio-worklet.js" })];
    }, server.url);
    assert.deepEqual([seen[0].code, seen[0].heard], ["worklet_blocked", false]);
    assert.match(seen[0].remediation, /workletUrl/);
    assert.deepEqual([seen[1].code ?? "none", seen[1].heard], ["none", true]);
  }, { page: { csp: "script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'" }, allowed: [/worklet|blob:|Content.Security.Policy/i] });
}, { media: true, browsers: ["chromium", "firefox"] });

const REFUSALS = [
  ["mic_denied", "denied", ["--use-fake-device-for-media-stream", "--deny-permission-prompts"]],
  ["mic_not_found", undefined, ["--use-fake-ui-for-media-stream"]],
];
for (const [code, sub, flags] of REFUSALS) {
  inBrowsers((world) => {
    world.check(`${code} is told with advice, and the session goes on`, async (evaluate) => {
      const seen = await evaluate(async (url) => {
        const { session } = await harness.connected({ entry: "voice", url });
        const { error } = await harness.outcome(session.audio.start());
        const { state } = session.audio;
        await session.send("ECHO", 1);
        await session.close();
        return { error, state };
      }, `${world.server.url}/realtime`);
      assert.deepEqual([seen.error?.code, seen.error?.details?.sub, seen.state], [code, sub, "off"]);
      assert.ok(seen.error.remediation);
    });
  }, { browsers: ["chromium"], flags });
}

inBrowsers((world) => {
  world.check("a question that the user leaves open is let go by stop(), and asked anew", async (evaluate) => {
    const seen = await evaluate(async (url) => {
      const { session } = await harness.connected({ entry: "voice", url });
      const states = [];
      // A browser without a window may answer its own question within milliseconds.
      session.audio.on("state", ({ to }) => {
        states.push(to);
        if (to === "asking") session.audio.stop();
      });
      const codes = [];
      for (let round = 0; round < 2; round++) codes.push((await harness.outcome(session.audio.start())).error?.code);
      await session.close();
      return { codes, states };
    }, `${world.server.url}/realtime`);
    assert.deepEqual(seen, { codes: ["aborted", "aborted"], states: ["asking", "off", "asking", "off"] });
  });
}, { browsers: ["chromium"], flags: ["--use-fake-device-for-media-stream"] });

inBrowsers((world) => {
  world.check("where there is no microphone, connecting tells of no error", async (evaluate) => {
    const seen = await evaluate(async (url) => {
      const { session, record } = await harness.connected({ entry: "voice", url });
      const { error } = await harness.outcome(session.audio.start());
      await session.close();
      return { errors: record.errors, code: error?.code, transport: record.transports[0].to };
    }, `${world.server.url}/realtime`);
    assert.deepEqual(seen.errors, []);
    assert.match(seen.code, /^mic_/);
    assert.equal(seen.transport, "websocket");
  });
}, { browsers: ["webkit"] });
