// The entries that are given their WebAssembly, in pages: by an address, by an answer of the page's own, by a module in a worker.

import assert from "node:assert/strict";

import { inBrowsers } from "./support/suite.mjs";

const ENTRIES = [
  { entry: "wasm", file: "throughline.wasm", other: "voice.wasm" },
  { entry: "voice-wasm", file: "voice.wasm", other: "throughline.wasm" },
];
/** Starts a session with the module that it is sent, and tells what came of it. */
const WORKER = `
  import { connect } from "/wasm.js";
  onmessage = async ({ data: { url, wasm } }) => {
    const session = connect({ url, wasm, remember: false });
    session.on("error", ({ code, message }) => postMessage({ code, message }));
    postMessage({ echo: await session.request("ECHO", "worker") });
    await session.close();
  };
`;

inBrowsers((world) => {
  const url = () => `${world.server.url}/realtime`;

  for (const { entry, file, other } of ENTRIES) {
    world.check(`${entry}: sessions share one file, which is relative to the document`, async (evaluate) => {
      const seen = await evaluate(async (options) => {
        document.head.append(Object.assign(document.createElement("base"), { href: "/" }));
        const named = (count, options) => Promise.all(Array.from({ length: count }, () => harness.connected(options)));
        const opened = [...(await named(2, options)), ...(await named(1, { ...options, wasm: new URL(options.wasm, document.baseURI) }))];
        const echoes = await Promise.all(opened.map(({ session }, n) => session.request("ECHO", n)));
        await Promise.all(opened.map(({ session }) => session.close()));
        return { echoes, files: performance.getEntriesByType("resource").filter(({ name }) => name.endsWith(".wasm")).length };
      }, { entry, url: url(), wasm: file, remember: false });
      assert.deepEqual(seen, { echoes: [0, 1, 2], files: 1 });
    });

    world.check(`${entry}: what is not the file is told, and the next session has the right one`, async (evaluate) => {
      const seen = await evaluate(async (options, file, other) => {
        const codes = [];
        for (const wasm of ["/nowhere.wasm", "/page", `/${other}`, () => fetch("http://127.0.0.1:9/x.wasm"), `data:application/wasm,none`]) {
          const { session, record } = await harness.open({ ...options, wasm });
          await harness.until(() => session.state === "failed");
          codes.push(record.errors[0].code);
          await session.close();
        }
        const { session } = await harness.connected({ ...options, wasm: () => fetch(`/${file}`) });
        const echo = await session.request("ECHO", 1);
        await session.close();
        return { codes, echo };
      }, { entry, url: url(), remember: false }, file, other);
      assert.deepEqual(seen, { codes: ["wasm_unavailable", "wasm_mismatch", "wasm_mismatch", "wasm_unavailable", "wasm_mismatch"], echo: 1 });
    }, { allowed: [/nowhere\.wasm/, /127\.0\.0\.1:9/] });
  }

  world.check("a worker takes a module that the page compiled", async (evaluate) => {
    const said = await evaluate(async (url) => {
      const module = await WebAssembly.compileStreaming(fetch("/throughline.wasm"));
      const worker = new Worker("/worker.js", { type: "module" });
      const said = new Promise((resolve, reject) => Object.assign(worker, { onmessage: ({ data }) => resolve(data), onerror: (event) => reject(new Error(event.message)) }));
      worker.postMessage({ url, wasm: module });
      return said.finally(() => worker.terminate());
    }, url());
    assert.deepEqual(said, { echo: "worker" });
  });

  world.check("a page that may have no WebAssembly says so, and does not blame the file", async (evaluate) => {
    const error = await evaluate(async (options) => {
      const { session, record } = await harness.open(options);
      await harness.until(() => session.state === "failed");
      return record.errors[0];
    }, { entry: "wasm", url: url(), wasm: "/throughline.wasm" });
    assert.deepEqual([error.code, error.terminal], ["wasm_blocked", true]);
    assert.match(error.remediation, /wasm-unsafe-eval/);
  }, { page: { csp: "script-src 'self'" }, allowed: [/wasm|WebAssembly|unsafe-eval|Content.Security/i] });
}, { modules: { "/worker.js": WORKER } });
