// Where there is no page: importing does nothing, and connecting works over what the runtime has.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";

import { startServer } from "./support/server.mjs";

const BUNDLE = new URL("../../pkg/dist/throughline.js", import.meta.url).href;
const VOICE = new URL("../../pkg/dist/voice.js", import.meta.url).href;
const run = promisify(execFile);

/** Runs a module in a Node of its own and returns what it prints as JSON. */
async function node(script, flags = []) {
  const { stdout, stderr } = await run(process.execPath, [...flags, "--input-type=module", "--eval", script], { timeout: 30_000 });
  return { said: JSON.parse(stdout), stderr };
}

describe("node", () => {
  let server;
  before(async () => {
    server = await startServer();
  });
  after(() => server?.stop());

  const bundle = (name) => new URL(`../../pkg/dist/${name}.js`, import.meta.url).href;
  const [text, voice] = [["SessionError", "connect"], ["SessionError", "connect", "diagnose"]];
  const entries = {
    throughline: [BUNDLE, text], "throughline/wasm": [bundle("wasm"), text], "throughline/no-wasm": [bundle("no-wasm"), text],
    "throughline/voice": [VOICE, voice], "throughline/voice/wasm": [bundle("voice-wasm"), voice],
  };
  for (const [name, [bundle, exports]] of Object.entries(entries)) test(`importing ${name} touches no global, starts nothing and lets the process end`, async () => {
    const { said, stderr } = await node(`
      const touched = [];
      const watched = ["WebSocket", "EventSource", "fetch", "XMLHttpRequest", "localStorage", "document", "window", "location", "navigator",
        "crypto", "setTimeout", "setInterval", "queueMicrotask", "requestAnimationFrame", "RTCPeerConnection", "addEventListener"];
      for (const name of watched) {
        const value = globalThis[name];
        Object.defineProperty(globalThis, name, { configurable: true, get: () => (touched.push(name), value) });
      }
      for (const name of ["compile", "instantiate", "Module", "Instance"]) {
        const value = WebAssembly[name];
        Object.defineProperty(WebAssembly, name, { configurable: true, get: () => (touched.push("WebAssembly." + name), value) });
      }
      const before = Reflect.ownKeys(globalThis).length;
      const module = await import(${JSON.stringify(bundle)});
      const added = Reflect.ownKeys(globalThis).length - before;
      const timers = process.getActiveResourcesInfo().filter((name) => /Timeout|Immediate|TCP/.test(name));
      process.stdout.write(JSON.stringify({ touched, added, timers, exports: Object.keys(module).toSorted() }));
    `);
    assert.deepEqual(said, { touched: [], added: 0, timers: [], exports });
    assert.equal(stderr, "");
  });

  for (const transport of ["sse", "long-poll"]) {
    test(`${transport} works without a page`, async () => {
      const { said } = await node(`
        const { connect } = await import(${JSON.stringify(BUNDLE)});
        const session = connect({ url: ${JSON.stringify(`${server.url}/realtime`)}, transports: [${JSON.stringify(transport)}] });
        const echo = await session.request("ECHO", { from: "node" });
        const { transport } = session;
        await session.close();
        process.stdout.write(JSON.stringify({ echo, transport, state: session.state }));
      `);
      assert.deepEqual(said, { echo: { from: "node" }, transport, state: "closed" });
    });
  }

  test("with voice, a runtime that can do neither WebRTC nor sound carries data all the same", async () => {
    const { said, stderr } = await node(`
      const { connect } = await import(${JSON.stringify(VOICE)});
      const session = connect({ url: ${JSON.stringify(`${server.url}/realtime`)} });
      const echo = await session.request("ECHO", 1);
      const { transport } = session;
      const microphone = await session.audio.start().catch(({ code }) => code);
      await session.close();
      process.stdout.write(JSON.stringify({ echo, transport, microphone, state: session.state }));
    `);
    assert.equal(said.echo, 1);
    assert.notEqual(said.transport, "webrtc");
    assert.match(said.microphone, /^(mic_unsupported|insecure_context)$/);
    assert.equal(said.state, "closed");
    assert.doesNotMatch(stderr, /webrtc/);
  });

  test("a runtime without WebSocket says so once and uses the next transport", async () => {
    const { said, stderr } = await node(`
      delete globalThis.WebSocket;
      const { connect } = await import(${JSON.stringify(BUNDLE)});
      const session = connect({ url: ${JSON.stringify(`${server.url}/realtime`)} });
      const echo = await session.request("ECHO", 1);
      const { transport } = session;
      const { attempts } = session.explain();
      await session.close();
      process.stdout.write(JSON.stringify({ echo, transport, code: attempts[0].code }));
    `);
    assert.deepEqual(said, { echo: 1, transport: "sse", code: "transport_unavailable" });
    assert.equal(stderr.trim().split("\n").length, 1, stderr);
    assert.match(stderr, /throughline: .*not available.* \(websocket\)/);
  });

  test("what cannot work here ends in a typed error, and the process ends by itself", async () => {
    const { said } = await node(`
      // Node's own fetch is WebAssembly, too, and compiled when it is first used.
      await (await fetch(${JSON.stringify(server.url)})).text();
      delete globalThis.WebSocket;
      delete globalThis.EventSource;
      const { connect, SessionError } = await import(${JSON.stringify(BUNDLE)});
      const failed = (options) => new Promise((resolve) => {
        const session = connect(options);
        session.on("error", (error) => error.terminal && resolve([error instanceof SessionError, error.code, session.state]));
      });
      const url = ${JSON.stringify(`${server.url}/realtime`)};
      const said = [
        await failed({ url: "/relative" }),
        await failed({ url, transports: ["websocket"] }),
        await failed({ url, transports: ["sse"], eventSource: "native" }),
      ];
      const { WebAssembly } = globalThis;
      delete globalThis.WebAssembly;
      const bare = await import(${JSON.stringify(`${BUNDLE}?again`)});
      said.push(await new Promise((resolve) => bare.connect({ url }).on("error", (error) => resolve([error instanceof bare.SessionError, error.code, error.terminal]))));
      globalThis.WebAssembly = WebAssembly;
      process.stdout.write(JSON.stringify(said));
    `);
    assert.deepEqual(said, [
      [true, "bad_address", "failed"],
      [true, "transport_unavailable", "failed"],
      [true, "transport_unavailable", "failed"],
      [true, "unsupported_environment", true],
    ]);
  });
});
