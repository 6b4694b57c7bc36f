// The dialect `openai` in the browser, against a server that speaks as OpenAI's does: system D from start to stop through its own backend, and what a session of
// OpenAI's does that others do not.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { after, before } from "node:test";

import { systemFor } from "../systems/support/start.mjs";
import { BROWSERS } from "./support/browsers.mjs";
import { recipe } from "./support/recipe.mjs";
import { startServer } from "./support/server.mjs";
import { inBrowsers } from "./support/suite.mjs";

const SCRIPT = fileURLToPath(new URL("../../www/servers/d-events.json", import.meta.url));
const { conversation, calls } = JSON.parse(readFileSync(SCRIPT, "utf8"));

/** In the page: opens a session by a name for its way, and keeps what it tells. */
async function open({ url, way = "webrtc", start = false, muted = false, asks = false, ...options }) {
  const log = [];
  const { replaceTrack } = RTCRtpSender.prototype;
  RTCRtpSender.prototype.replaceTrack = function (track) {
    if (track) log.push("track");
    return replaceTrack.call(this, track);
  };
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function (data) {
    const { type } = JSON.parse(data);
    if (log.at(-1) !== `up ${type}`) log.push(`up ${type}`);
    return send.call(this, data);
  };
  const token = async () => (await fetch(`${url}/openai/v1/realtime/client_secrets`, { method: "POST", headers: { Authorization: "Bearer account" } })).json();
  const endpoints = way === "webrtc" ? { webrtc: `${url}/openai/v1/realtime/calls` } : { websocket: `${url}/openai/v1/realtime?model=gpt-realtime` };
  const { dialect = {}, ...rest } = options;
  const { session: config } = dialect;
  if (asks) dialect.session = async () => config;
  const { session, record } = await harness.open({ entry: "voice", remember: false, endpoints, token, dialect: { name: "openai", subprotocols: way !== "webrtc", ...dialect }, ...rest });
  const told = { log, progress: [], speaking: [], captions: [], interrupted: [], rollover: [], recovered: [] };
  session.on("progress", ({ step, status, at, ms }) => told.progress.push({ step, status, at, ms }));
  session.on("rollover", (event) => told.rollover.push(event));
  session.on("recovered", (event) => told.recovered.push(event));
  session.on("message", ({ type }) => log.push(type));
  session.audio.on("speaking", ({ who, speaking }) => told.speaking.push(`${who} ${speaking}`));
  session.audio.on("interrupted", (event) => told.interrupted.push(event));
  session.conversation.on("change", ({ captions }) => told.captions.push(captions));
  const account = () => JSON.stringify([log.slice(-60), record.errors, session.conversation.messages, session.explain().summary, told.speaking]);
  const until = (holds, ms) => harness.until(holds, ms, account);
  if (muted) session.audio.mute();
  if (start) await session.audio.start();
  await until(() => session.state === "connected");
  window.d = { session, record, told, log, until, count: (type) => log.filter((other) => other === type).length };
}

const WITH_TEXT = { session: { output_modalities: ["text"], instructions: "Be brief." } };

inBrowsers(
  (world) => {
    const peer = () => ({ url: world.server.url });
    const opened = (evaluate, options = {}) => evaluate(open, { ...peer(), ...options });

    world.check("D: from start to stop through its backend, in five steps", async (evaluate, t) => {
      const system = await systemFor(t, "d", "--upstream", `${world.server.url}/openai/v1`, "--upstream-key", "account");
      const seen = await evaluate(async (api, code, speaks) => {
        const tracks = [];
        const { mediaDevices } = navigator;
        const getUserMedia = mediaDevices.getUserMedia.bind(mediaDevices);
        mediaDevices.getUserMedia = async (constraints) => {
          const stream = await getUserMedia(constraints);
          tracks.push(...stream.getTracks());
          return stream;
        };
        const connections = [];
        const { RTCPeerConnection } = window;
        window.RTCPeerConnection = class extends RTCPeerConnection {
          constructor(configuration) {
            super(configuration);
            connections.push({ pc: this, configuration });
          }
          createDataChannel(label, options) {
            connections.at(-1).label = label;
            return super.createDataChannel(label, options);
          }
        };
        const asked = [];
        const { fetch } = window;
        window.fetch = (address, init) => {
          asked.push(new URL(address.url ?? address, location.href).pathname);
          return fetch(address, init);
        };
        // The hook that the app knows.
        const { voiceInterview } = await harness.module(code);
        const interview = voiceInterview({ api: `${api}/api`, jobTitle: "Engineer", token: () => "short-lived", remember: false });
        const captions = new Set();
        await Promise.all([interview.start(), interview.start()]);
        const account = () => JSON.stringify([interview.status, interview.messages, String(interview.error), asked, interview.session?.explain().summary]);
        await harness.until(() => interview.status === "active", 20_000, account);
        interview.session.conversation.on("change", ({ captions: { agent } }) => captions.add(agent));
        // Firefox's microphone is a tone that never changes, which nobody takes for speech.
        if (speaks) await harness.until(() => interview.isUserSpeaking, 20_000, account);
        interview.session.audio.mute();
        if (!speaks) await interview.session.send("response.create");
        await harness.until(() => interview.messages.some(({ who, status }) => who === "agent" && status === "completed"), 30_000, account);
        const steps = interview.debug.filter(({ status }) => status === "done");
        const { messages } = interview;
        await interview.stop();
        await harness.until(() => connections.every(({ pc }) => pc.connectionState === "closed"));
        return {
          messages, captions: [...captions], status: interview.status, error: harness.plain(interview.error), asked,
          steps: steps.map(({ step, at, ms }) => [step, at >= 0 && ms >= 0]), failed: interview.debug.filter(({ status }) => status === "failed"),
          connections: connections.map(({ configuration, label }) => [configuration.iceServers, label]), tracks: tracks.map(({ readyState }) => readyState),
          elements: document.querySelectorAll("audio").length,
        };
      }, system.url, await recipe("d", ["After", "The same hook"], world.site), world.name === "chromium");
      assert.deepEqual(seen.steps.map(([step]) => step).sort(), ["api", "audio", "microphone", "session", "transport"]);
      assert.ok(seen.steps.every(([, timed]) => timed));
      assert.deepEqual([seen.failed, seen.error, seen.status], [[], null, "closed"]);
      const answer = seen.messages.find(({ who }) => who === "agent");
      assert.match(answer.text, /\w+ \w+/);
      assert.ok(seen.captions.length > 3 && seen.captions.every((caption) => caption === "" || seen.messages.some(({ text }) => text.startsWith(caption) || caption.startsWith(text))), JSON.stringify(seen.captions));
      assert.deepEqual(seen.asked.filter((path) => path !== "/api/ice-servers"), ["/api/realtime-session", "/api/webrtc-exchange"], "one session, whoever starts twice");
      assert.deepEqual(seen.connections, [[[{ urls: ["stun:127.0.0.1:3478"] }], "messages"]]);
      assert.deepEqual([seen.tracks, seen.elements], [["ended"], 0]);
    });

    world.check("D: a backend's failures keep their meaning, and only those that pass are tried again", async (evaluate, t) => {
      const outcomes = [];
      const upstream = ["--upstream", `${world.server.url}/openai/v1`, "--upstream-key", "account"];
      for (const [fail, at] of [["503", "session"], ["504", "exchange"], ["502", "exchange"]]) {
        const system = await systemFor(t, "d", ...upstream, "--fail", fail, "--times", "1", "--at", at);
        outcomes.push(await evaluate(d, system.url, { jobTitle: "Engineer" }));
      }
      // Each phase has a deadline of its own, and waits no longer.
      for (const [at, phase] of [["session", "session"], ["exchange", "exchange"]]) {
        const system = await systemFor(t, "d", ...upstream, "--slow", "60000", "--at", at);
        outcomes.push(await evaluate(d, system.url, { jobTitle: "Engineer" }, { [phase]: 300 }));
      }
      const system = await systemFor(t, "d");
      outcomes.push(await evaluate(d, system.url, {}));
      async function d(api, body, deadlines = {}) {
        const start = ({ token, signal }) => fetch(`${api}/api/realtime-session`, { method: "POST", headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" }, body: JSON.stringify(body), signal });
        const { session, record } = await harness.open({
          entry: "voice", remember: false, dialect: { name: "openai", start }, token: () => "short-lived", endpoints: { webrtc: `${api}/api/webrtc-exchange` },
          webrtc: { signaling: { name: "json", body: ({ id }) => ({ sessionId: id }) } }, timing: { backoff: [50, 50, 50, 50], ...deadlines },
        });
        const late = () => Object.keys(deadlines).length && record.errors.length;
        await harness.until(() => late() || /^(connected|failed)$/.test(session.state), 20_000, () => JSON.stringify([record.errors, session.explain()]));
        const { state } = session;
        await session.close();
        return { state, errors: record.errors.map(({ code, status, terminal }) => [code, status, terminal]), message: record.errors[0]?.message };
      }
      const [database, slow, failing, lateSession, lateExchange, refused] = outcomes;
      assert.deepEqual([database.state, database.errors], ["connected", [["server_unavailable", 503, false]]]);
      assert.deepEqual([lateSession.errors[0][0], lateExchange.errors[0][0]], ["token", "signaling_failed"]);
      assert.match(lateExchange.message, /no answer in time \(exchange\)/);
      for (const [outcome, status] of [[slow, 504], [failing, 502]]) {
        assert.equal(outcome.state, "connected");
        assert.ok(outcome.errors.length && outcome.errors.every(([, seen, terminal]) => seen === status && !terminal), JSON.stringify(outcome));
      }
      assert.deepEqual([refused.state, refused.errors.at(-1).slice(1)], ["failed", [400, true]]);
    });

    world.check("D: what works between the page and OpenAI can be looked at by itself", async (evaluate, t) => {
      const system = await systemFor(t, "d", "--upstream", `${world.server.url}/openai/v1`, "--upstream-key", "account");
      const { checks, text } = await evaluate(async (api) => {
        const { diagnose } = await import("/voice.js");
        const start = ({ token, signal }) => fetch(`${api}/api/realtime-session`, { method: "POST", headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" }, body: '{"jobTitle":"Engineer"}', signal });
        return diagnose({
          dialect: { name: "openai", start }, token: () => "short-lived-4711",
          endpoints: { webrtc: `${api}/api/webrtc-exchange`, websocket: ({ sessionId }) => `${api}/api/realtime?sessionId=${sessionId}` },
          webrtc: { signaling: { name: "json", body: ({ id }) => ({ sessionId: id }) } },
        });
      }, system.url);
      const told = Object.fromEntries(checks.map(({ name, ok }) => [name, ok]));
      assert.deepEqual(told, { token: true, microphone: true, sdp: true, udp: true, tcp: null, relay: null, websocket: true, sse: null, clock: null }, text);
      assert.ok(!/4711|ek_|sess_/.test(text));
    });

    world.check("D: where WebRTC cannot be set up, the backend's WebSocket carries the same session, sound and all", async (evaluate, t) => {
      const system = await systemFor(t, "d", "--upstream", `${world.server.url}/openai/v1`, "--upstream-key", "account", "--fail", "502", "--times", "1000", "--at", "exchange");
      const seen = await evaluate(async (api) => {
        const asked = [];
        const start = async ({ token, signal }) => {
          const answer = await fetch(`${api}/api/realtime-session`, { method: "POST", headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" }, body: '{"jobTitle":"Engineer"}', signal });
          asked.push(answer.status);
          return answer.json();
        };
        const { session, record } = await harness.open({
          entry: "voice", remember: false, dialect: { name: "openai", start, session: { audio: { input: { turn_detection: null } } } }, token: () => "short-lived", audio: { bargeIn: false },
          endpoints: { webrtc: `${api}/api/webrtc-exchange`, websocket: ({ sessionId }) => `${api}/api/realtime?sessionId=${sessionId}` },
          webrtc: { signaling: { name: "json", body: ({ id }) => ({ sessionId: id }) } }, timing: { backoff: [50, 50, 50, 50] },
        });
        const account = () => JSON.stringify([record.errors, session.explain(), session.conversation.messages]);
        await session.audio.start();
        await harness.until(() => session.state === "connected", 20_000, account);
        await session.send("response.create");
        await harness.until(() => session.audio.isAgentSpeaking && session.conversation.captions.agent, 15_000, account);
        const { transport } = session;
        await session.close();
        return { transport, asked, errors: record.errors.map(({ code, status, transport }) => [code, status, transport]) };
      }, system.url);
      assert.deepEqual([seen.transport, seen.asked], ["websocket", [200]]);
      assert.ok(seen.errors.length && seen.errors.every(([, status, transport]) => status === 502 && transport === "webrtc"), JSON.stringify(seen.errors));
    });

    for (const way of ["webrtc", "websocket"]) {
      world.check(`${way}: no sound goes up before OpenAI has what the session is to be`, async (evaluate) => {
        await opened(evaluate, { way, start: true, asks: true, dialect: { session: { instructions: "Be brief." } } });
        const seen = await evaluate(async (sound) => {
          const { session, log, until } = window.d;
          await until(() => log.includes(sound));
          const gate = [log.indexOf("session.created"), log.indexOf("session.updated"), log.indexOf(sound)];
          await session.close();
          return { gate, log };
        }, way === "webrtc" ? "track" : "up input_audio_buffer.append");
        const [created, updated, sound] = seen.gate;
        assert.ok(created >= 0 && created < updated && updated < sound, JSON.stringify(seen));
      });

      world.check(`${way}: what OpenAI refuses of a session is told, and keeps sound back until it is right`, async (evaluate) => {
        await opened(evaluate, { way, start: true, dialect: { session: { output_modalities: ["smell"] } } });
        const seen = await evaluate(async (sound) => {
          const { session, record, log, until } = window.d;
          await until(() => record.errors.length);
          const echo = await session.request("conversation.item.create", { item: { type: "message", role: "user", content: [{ type: "input_text", text: "hi" }] } });
          const before = log.includes(sound);
          const { session: now } = await session.request("session.update", { session: { output_modalities: ["text"] } });
          await until(() => log.includes(sound));
          await session.close();
          return { before, error: record.errors[0], modalities: now.output_modalities, echo: echo.item.role };
        }, way === "webrtc" ? "track" : "up input_audio_buffer.append");
        assert.deepEqual([seen.before, seen.error.code, seen.modalities, seen.echo], [false, "server_error", ["text"], "user"]);
      });
    }

    world.check("a question is answered by what follows from it, or refused by its error", async (evaluate) => {
      await opened(evaluate, { way: "websocket", dialect: WITH_TEXT });
      const seen = await evaluate(async () => {
        const { session, record } = window.d;
        const say = (text) => session.request("conversation.item.create", { item: { type: "message", role: "user", content: [{ type: "input_text", text }] } });
        const { item } = await say("hello");
        // The second waits for the first.
        const [{ response }, { response: next }] = await Promise.all([session.request("response.create"), session.request("response.create")]);
        const [mine] = session.conversation.messages;
        const refused = await harness.outcome(session.request("conversation.item.delete", { item_id: "nobody" }));
        const deleted = await session.request("conversation.item.delete", { item_id: item.id });
        const unsupported = await harness.outcome(session.request("input_audio_buffer.append", { audio: "" }));
        const left = session.conversation.messages.map(({ who }) => who);
        await session.close();
        return { mine, item, response, next, refused: refused.error, deleted: deleted.item_id, unsupported: unsupported.error.code, left, errors: record.errors.map(({ code }) => code) };
      });
      assert.deepEqual(seen.mine, { id: seen.item.id, who: "user", text: "hello", status: "completed" });
      assert.deepEqual([seen.response.status, seen.next.status, seen.response.id === seen.next.id], ["completed", "completed", false]);
      assert.deepEqual([seen.deleted, seen.left], [seen.item.id, ["agent", "agent"]]);
      assert.deepEqual([seen.refused.code, seen.refused.details.code, seen.unsupported], ["server_error", "item_delete_invalid_item_id", "unsupported"]);
      assert.deepEqual(seen.errors, ["server_error"]);
    });

    world.check("a tool that the model calls is run, and the model goes on", async (evaluate) => {
      const seen = await evaluate(async (open, options) => {
        const ran = [];
        const tools = {
          note_answer: { description: "Notes an answer", parameters: { type: "object", properties: { topic: { type: "string" } } }, run: (args, { callId }) => void ran.push([Object.keys(args), typeof callId]) },
          fail_now: { description: "Fails", parameters: { type: "object" }, run: () => Promise.reject(new Error("no notebook")) },
        };
        await (0, eval)(`(${open})`)({ ...options, dialect: { ...options.dialect, tools } });
        const { session, record, until } = window.d;
        const say = async (text) => {
          await session.send("conversation.item.create", { item: { type: "message", role: "user", content: [{ type: "input_text", text }] } });
          await session.send("response.create");
        };
        const agents = () => session.conversation.messages.filter(({ who, status }) => who === "agent" && status === "completed").length;
        await say("please note_answer");
        await until(() => agents() === 1);
        await say("please fail_now");
        await until(() => agents() === 2);
        await session.close();
        return { ran, calls: session.conversation.calls, errors: record.errors };
      }, String(open), { ...peer(), way: "websocket", dialect: WITH_TEXT });
      assert.deepEqual(seen.ran, [[["topic"], "string"]]);
      assert.deepEqual(seen.calls.map(({ name, status, output }) => [name, status, output]), [["note_answer", "completed", "null"], ["fail_now", "completed", '{"error":"no notebook"}']]);
      assert.deepEqual(seen.errors.map(({ code, message }) => [code, message]), [["tool_failed", "the tool fail_now failed"]]);
    });

    for (const way of ["webrtc", "websocket"]) {
      world.check(`${way}: who interrupts is not talked over, and OpenAI knows what was heard`, async (evaluate) => {
        await opened(evaluate, { way, start: true, audio: { bargeIn: false }, dialect: { session: { audio: { input: { turn_detection: null } } } } });
        const seen = await evaluate(async (way) => {
          const { session, record, told, log, until } = window.d;
          await session.send("response.create");
          await until(() => session.audio.isAgentSpeaking && session.conversation.captions.agent);
          session.audio.interrupt();
          await until(() => log.some((type) => (way === "webrtc" ? /^output_audio_buffer.(cleared|stopped)$/ : /^conversation.item.truncated$/).test(type)) && log.includes("response.done"));
          await until(() => !session.audio.isAgentSpeaking);
          const [message] = session.conversation.messages;
          // Nothing is under way: there is nothing to cancel, and no error.
          session.audio.interrupt();
          const { response } = await session.request("response.create", { response: { output_modalities: ["text"] } });
          await session.close();
          return { message, interrupted: told.interrupted, errors: record.errors, after: response.status, captions: session.conversation.captions };
        }, way);
        assert.equal(seen.message.status, "incomplete");
        assert.equal(seen.interrupted.length, 1);
        assert.ok(seen.interrupted[0].ms < 5_000, JSON.stringify(seen.interrupted));
        assert.deepEqual([seen.errors, seen.after, seen.captions], [[], "completed", { user: "", agent: "" }]);
      });
    }

    world.check("websocket: what the user says cuts in, is written down in its place, and is answered", async (evaluate) => {
      await opened(evaluate, { way: "websocket", start: true, muted: true, dialect: { session: { audio: { input: { transcription: { model: "whisper-1" } } } } } });
      const seen = await evaluate(async () => {
        const { session, record, told, log, until } = window.d;
        await session.send("response.create");
        await until(() => session.audio.isAgentSpeaking);
        // A second of somebody's voice, and a pause.
        const sound = (ms, at) => {
          const pcm = Int16Array.from({ length: ms * 24 }, (_, i) => at(i) * 32_767);
          return btoa(Array.from(new Uint8Array(pcm.buffer), (byte) => String.fromCharCode(byte)).join(""));
        };
        const voice = (i) => 0.4 * Math.sin(i / 20) * (1 + Math.sin(i / 900)) * (i % 6_000 < 4_800 ? 1 : 0);
        const append = (audio) => session.send("input_audio_buffer.append", { audio });
        await append(sound(500, () => 0));
        await append(sound(1_000, voice));
        await until(() => session.audio.isUserSpeaking);
        await until(() => !session.audio.isAgentSpeaking);
        await append(sound(1_500, () => 0));
        await until(() => session.conversation.messages.filter(({ who }) => who === "agent").length === 2 && session.conversation.messages[1].status === "completed");
        const { messages } = session.conversation;
        await session.close();
        return { messages, log, speaking: told.speaking, interrupted: told.interrupted.length, errors: record.errors, heard: told.captions.some(({ user }) => user) };
      });
      assert.deepEqual(seen.messages.map(({ who }) => who), ["agent", "user", "agent"]);
      assert.equal(seen.messages[0].status, "incomplete");
      assert.deepEqual(seen.speaking.slice(0, 3), ["agent true", "user true", "agent false"]);
      assert.deepEqual([seen.interrupted, seen.errors, seen.heard], [1, [], true]);
      assert.ok(!seen.log.includes("up response.cancel"), "the server ends its answer itself");
    });

    for (const way of ["webrtc", "websocket"]) {
      world.check(`${way}: before a session ends another one goes on with it`, async (evaluate) => {
        await opened(evaluate, { way, start: true, dialect: { session: { output_modalities: ["text"], audio: { input: { turn_detection: null } } }, rollover: { after: 300 } } });
        const seen = await evaluate(async (way) => {
          const { session, record, told, log, until, count } = window.d;
          await session.send("conversation.item.create", { item: { type: "message", role: "user", content: [{ type: "input_text", text: "remember me" }] } });
          await until(() => session.conversation.messages.length === 1);
          const before = session.conversation.messages;
          await until(() => told.rollover.length === 1, 20_000);
          const [{ id }] = before;
          const known = await session.request("conversation.item.retrieve", { item_id: id });
          const { messages } = session.conversation;
          // Sound goes up in both.
          await until(() => count(way === "webrtc" ? "track" : "up input_audio_buffer.append") >= 2);
          const text = "x".repeat(1 << 19);
          // The limit is the connection's that is open, and none of the one that was left.
          const large = way === "webrtc" ? await session.send("conversation.item.create", { text }).then(() => "sent", ({ code }) => code) : "too_large";
          await session.close();
          return { large, before, messages, known: known.item, rollover: told.rollover[0], recovered: told.recovered, errors: record.errors, states: record.states.map(({ to }) => to), created: count("session.created") };
        }, way);
        assert.deepEqual(seen.messages, seen.before);
        assert.deepEqual(seen.known.content, [{ type: "input_text", text: "remember me" }]);
        assert.deepEqual([seen.rollover, seen.recovered, seen.errors], [{ items: 1 }, [], []]);
        assert.deepEqual(seen.states, ["connecting", "connected", "closing", "closed"]);
        assert.equal(seen.created, 2);
        assert.equal(seen.large, "too_large");
      });
    }

    world.check("after a lost link the conversation goes on in another session, which knows it", async (evaluate) => {
      await evaluate(open, { url: world.server.faulty, way: "websocket", dialect: WITH_TEXT, timing: { backoff: [50, 50, 50, 50] } });
      await evaluate(async () => {
        const { session } = window.d;
        await session.send("conversation.item.create", { item: { type: "message", role: "user", content: [{ type: "input_text", text: "remember me" }] } });
        await session.request("response.create");
      });
      await world.server.cut("websocket");
      const seen = await evaluate(async () => {
        const { session, record, told, until } = window.d;
        await until(() => told.recovered.length);
        const before = session.conversation.messages;
        const { response } = await session.request("response.create");
        const { messages } = session.conversation;
        await session.close();
        return { before, messages, recovered: told.recovered, response: response.status, errors: record.errors.map(({ code }) => code), states: record.states.map(({ to }) => to) };
      });
      assert.deepEqual(seen.recovered, [{ pending: [], restored: "history", items: 2 }]);
      assert.deepEqual(seen.messages.slice(0, 2), seen.before);
      assert.deepEqual(seen.messages.map(({ who }) => who), ["user", "agent", "agent"]);
      assert.deepEqual([seen.response, seen.states], ["completed", ["connecting", "connected", "reconnecting", "connected", "closing", "closed"]]);
    });

    // The browsers take seconds to notice: one of them is enough.
    if (world.name === "chromium") {
      world.check("a path that dies is left for the WebSocket, and the conversation goes on", async (evaluate, t) => {
        const server = await startServer({ more: ["--openai"] });
        t.after(() => server.stop());
        const endpoints = { webrtc: `${server.url}/openai/v1/realtime/calls`, websocket: `${server.url}/openai/v1/realtime?model=gpt-realtime` };
        await evaluate(open, { url: server.url, start: true, endpoints, dialect: { subprotocols: true, session: { output_modalities: ["text"], audio: { input: { turn_detection: null } } } } });
        await evaluate(() => window.d.session.request("conversation.item.create", { item: { type: "message", role: "user", content: [{ type: "input_text", text: "remember me" }] } }));
        const control = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ udp: "drop" }) };
        assert.equal((await fetch(`${server.url}/api/rtc`, control)).ok, true);
        const seen = await evaluate(async () => {
          const { session, told, log, record, until } = window.d;
          await until(() => told.recovered.length, 30_000);
          await until(() => log.includes("up input_audio_buffer.append"));
          const { transport } = session;
          await session.close();
          return { transport, recovered: told.recovered, errors: record.errors };
        });
        assert.deepEqual(seen.errors, []);
        assert.deepEqual([seen.transport, seen.recovered], ["websocket", [{ pending: [], restored: "history", items: 1 }]]);
      });
    }

    world.check("a session that says when it ends is left before; one that is not left is no failure when it ends", async (evaluate, t) => {
      const server = await startServer({ more: ["--openai", "--openai-session", "4"] });
      t.after(() => server.stop());
      const seen = await evaluate(async (open, options) => {
        const run = async (dialect) => {
          await (0, eval)(`(${open})`)({ ...options, dialect: { ...options.dialect, ...dialect } });
          return window.d;
        };
        const sessions = [await run({}), await run({ rollover: false })];
        await harness.until(() => sessions[0].told.rollover.length && sessions[1].told.recovered.length, 20_000, () => JSON.stringify(sessions.map(({ told, record, session }) => [told.rollover, told.recovered, record.errors, session.explain()])));
        await Promise.all(sessions.map(({ session }) => session.close()));
        return sessions.map(({ told, record }) => ({ rollover: told.rollover, recovered: told.recovered, errors: record.errors, states: record.states.map(({ to }) => to) }));
      }, String(open), { url: server.url, way: "websocket", dialect: WITH_TEXT });
      const [left, ended] = seen;
      assert.deepEqual(left, { rollover: [{ items: 0 }], recovered: [], errors: [], states: ["connecting", "connected", "closing", "closed"] });
      assert.deepEqual([ended.rollover, ended.recovered, ended.errors], [[], [{ pending: [], restored: "none", items: 0 }], []]);
    });

    for (const names of ["ga", "older"]) {
      world.check(`a whole conversation in the names called ${names}: messages, captions, calls and flags`, async (evaluate, t) => {
        const server = await startServer({ more: ["--openai", "--openai-script", SCRIPT, "--openai-names", names, "--openai-speed", "4"] });
        t.after(() => server.stop());
        await evaluate(open, { url: server.url, way: "webrtc", start: true });
        const seen = await evaluate(async (total) => {
          const { session, told, record, until } = window.d;
          await until(() => session.conversation.messages.length === total && session.conversation.messages.at(-1).status === "completed", 30_000);
          const { messages, calls, captions } = session.conversation;
          await session.close();
          return { messages, calls, captions, seen: told.captions, speaking: told.speaking, errors: record.errors };
        }, conversation.length);
        assert.deepEqual(seen.messages, conversation);
        assert.deepEqual(seen.calls, calls.map((call) => ({ ...call, status: "completed" })));
        assert.deepEqual(seen.captions, { user: "", agent: "" });
        const said = seen.seen.map(({ agent }) => agent);
        for (const text of ["Welcome!", "Welcome! Tell me about your work.", "That is an interesting field, and I would"]) assert.ok(said.includes(text), text);
        assert.ok(seen.seen.some(({ user }) => user === "I build audio tools."));
        assert.deepEqual(seen.speaking.slice(0, 7), ["agent true", "agent false", "user true", "user false", "agent true", "user true", "agent false"]);
        assert.deepEqual(seen.errors.map(({ code, details }) => [code, details.code]), [["server_error", "response_cancel_not_active"]]);
      });
    }
  },
  { browsers: BROWSERS.filter((name) => name !== "webkit"), media: true, more: ["--openai"] },
);
