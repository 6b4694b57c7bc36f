// The entries that are given their WebAssembly: each form of it works and is compiled once, and what is something else is told by a code.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { after, before, beforeEach, describe, test } from "node:test";

const dist = (file) => new URL(`../../pkg/dist/${file}`, import.meta.url);
const ENTRIES = {
  "throughline/wasm": { entry: await import(dist("wasm.js")), file: "throughline.wasm", other: "voice.wasm" },
  "throughline/voice/wasm": { entry: await import(dist("voice-wasm.js")), file: "voice.wasm", other: "throughline.wasm" },
};

/** How often the page compiled something. */
let compiled = 0;
for (const name of ["compile", "compileStreaming"]) {
  const original = WebAssembly[name];
  WebAssembly[name] = (source) => {
    compiled++;
    return original.call(WebAssembly, source);
  };
}

for (const [name, { entry, file, other }] of Object.entries(ENTRIES)) {
  describe(name, () => {
    let server;
    let bytes;
    let url;
    /** Answers by path. */
    const answers = {};
    const asked = [];
    before(async () => {
      bytes = await readFile(dist(file));
      server = createServer((request, response) => {
        asked.push(request.url);
        const [status, headers, body] = answers[request.url] ?? [404, {}, "nothing"];
        response.writeHead(status, headers).end(body);
      });
      await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
      url = `http://127.0.0.1:${server.address().port}`;
    });
    after(() => {
      server.closeAllConnections();
      server.close();
    });
    beforeEach(() => {
      compiled = 0;
      asked.length = 0;
      for (const path of Object.keys(answers)) delete answers[path];
      answers["/wasm"] = [200, { "Content-Type": "application/wasm" }, bytes];
      answers["/untold"] = [200, {}, bytes];
      answers["/wrong"] = [200, { "Content-Type": "text/plain" }, bytes];
      answers["/index"] = [200, { "Content-Type": "text/html" }, "<!doctype html><title>app</title>"];
    });

    /** What a session with this WebAssembly fails with: `not_found` is the core's own word, for nothing answers its transports here. */
    const failure = async (wasm) => {
      const session = entry.connect({ wasm, url: `${url}/realtime`, transports: ["long-poll"] });
      const error = await new Promise((resolve) => session.on("error", resolve));
      await session.close();
      return error;
    };
    const works = async (wasm) => assert.equal((await failure(wasm)).code, "not_found", String(wasm));

    test("each form of it works", async () => {
      const forms = [
        `${url}/wasm`, new URL(`${url}/wasm?2`), new Request(`${url}/wasm`), await fetch(`${url}/wasm`), fetch(`${url}/wasm`), `${url}/untold`, `${url}/wrong`,
        bytes, bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length), new DataView(Uint8Array.from(bytes).buffer), readFile(dist(file)),
        new WebAssembly.Module(bytes), () => `${url}/wasm`, async () => bytes, () => () => fetch(`${url}/wasm`),
      ];
      answers["/wasm?2"] = answers["/wasm"];
      for (const form of forms) await works(form);
    });

    test("a source is compiled once, whoever names it and when", async () => {
      const address = `${url}/once`;
      answers["/once"] = answers["/wasm"];
      await Promise.all([works(address), works(new URL(address)), works(() => address)]);
      await works(Promise.resolve(address));
      assert.deepEqual([compiled, asked.filter((path) => path === "/once").length], [1, 1]);
      const ask = async () => bytes.slice();
      await Promise.all([works(ask), works(ask)]);
      await works(ask);
      assert.equal(compiled, 2);
      await works(new WebAssembly.Module(bytes));
      assert.equal(compiled, 2);
    });

    const refused = {
      "nothing at its address": [() => `${url}/nowhere?token=secret`, "wasm_unavailable", { url: () => `${url}/nowhere`, status: 404 }],
      "no answer at all": [() => "http://127.0.0.1:9/wasm?token=secret", "wasm_unavailable", { url: () => "http://127.0.0.1:9/wasm" }],
      "a page in its place": [() => `${url}/index`, "wasm_mismatch", { status: 200, type: "text/html" }],
      "a page that calls itself WebAssembly": [() => new Response("<!doctype html>", { headers: { "Content-Type": "application/wasm" } }), "wasm_mismatch", {}],
      "an answer that was read already": [() => spent(), "wasm_unavailable", {}],
      "cut off in the middle": [() => bytes.subarray(0, bytes.length / 2), "wasm_mismatch", {}],
      "another entry's": [() => readFile(dist(other)), "wasm_mismatch", {}],
      "a module of somebody else's": [() => Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0), "wasm_mismatch", { actual: undefined }],
      "a promise that broke": [() => () => Promise.reject(new Error("no network")), "wasm_unavailable", {}],
      "no address without a page": [() => "/throughline.wasm", "bad_option", undefined],
      "a function of something else": [() => () => 7, "bad_option", undefined],
    };
    const spent = () => {
      const response = new Response(bytes);
      return response.text().then(() => response);
    };
    for (const [what, [make, code, details]] of Object.entries(refused)) test(`${what}: ${code}`, async () => {
      const error = await failure(make());
      assert.ok(error instanceof entry.SessionError);
      assert.deepEqual([error.code, error.terminal], [code, true]);
      for (const [name, expected] of Object.entries(details ?? {})) assert.equal(error.details[name], typeof expected === "function" ? expected() : expected, name);
      if (details) assert.ok(error.remediation);
      assert.doesNotMatch(error.message + JSON.stringify(error.details ?? {}), /secret/);
    });

    test("what belongs to another version says which", async () => {
      const wanted = Buffer.from(`${name.replace("/wasm", "")} `);
      const older = Buffer.from(bytes);
      const at = older.indexOf(wanted) + wanted.length;
      older.write("9", at);
      const { code, details, message } = await failure(older);
      assert.equal(code, "wasm_mismatch");
      assert.deepEqual([details.actual, details.actual.replace("9.", "0.")], [`${wanted}9${details.expected.slice(wanted.length + 1)}`, details.expected]);
      assert.ok(message.includes(`${details.actual} for ${details.expected}`), message);
    });

    test("what could not be had is asked for again by the next session", async () => {
      const ask = async () => `${url}/later`;
      assert.equal((await failure(ask)).code, "wasm_unavailable");
      answers["/later"] = answers["/wasm"];
      await works(ask);
    });

    test("a session that is closed meanwhile does not wait for it", { timeout: 20_000 }, async () => {
      for (const recover of [false, true]) {
        const session = entry.connect({ wasm: new Promise(() => {}), url: `${url}/realtime`, recover });
        session.on("error", ({ code }) => assert.equal(code, "storage"));
        await session.close();
        assert.equal(session.state, "closed");
      }
    });

    test("without it, connect() says what it takes", () => {
      for (const options of [undefined, {}, { wasm: "" }, { wasm: null }, { wasm: 7 }, { wasm: {} }]) {
        assert.throws(() => entry.connect(/** @type {any} */ (options)), (error) => error instanceof entry.SessionError && error.code === "bad_option");
      }
    });

    test("where WebAssembly is forbidden, that is told, and what was given is not blamed", async (t) => {
      const forbid = () => Promise.reject(new WebAssembly.CompileError("blocked by a policy"));
      t.mock.method(WebAssembly, "compile", forbid);
      t.mock.method(WebAssembly, "compileStreaming", forbid);
      for (const wasm of [bytes.slice(), await fetch(`${url}/wasm`), () => fetch(`${url}/wrong`)]) {
        const { code, remediation } = await failure(wasm);
        assert.equal(code, "wasm_blocked");
        assert.match(remediation, /wasm-unsafe-eval/);
      }
    });
  });
}
