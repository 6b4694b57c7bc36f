// The entries that are given their WebAssembly: each form of it works and is compiled once, and what is something else is told by a code.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
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
        if (request.url.startsWith("/never")) return void server.emit("held", response);
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
      answers["/empty"] = [200, { "Content-Type": "application/wasm" }, ""];
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
      "an address with a password": [() => "https://user:secret@127.0.0.1:9/x.wasm", "bad_option", undefined],
      "an address that cannot be read": [() => "https://secret:secret/x.wasm?secret", "bad_option", undefined],
      "the file in its address, of another type": [() => `data:text/html;base64,${"secret".repeat(1_000)}`, "wasm_mismatch", { url: "data:text/html" }],
      "no file in its address": [() => "data:secret", "wasm_unavailable", { url: "data:" }],
      "an empty file": [() => `${url}/empty`, "wasm_mismatch", { type: "application/wasm" }],
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
      const { cause = {} } = error;
      assert.doesNotMatch(error.message + JSON.stringify(error.details ?? {}) + cause.message + JSON.stringify(cause), /secret/);
      if (code === "wasm_mismatch") assert.doesNotMatch(error.message, /\(application\/wasm\)/);
    });

    test("an engine that does not compile while it comes compiles what came", async (t) => {
      const { compileStreaming } = WebAssembly;
      // @ts-ignore as in older engines
      delete WebAssembly.compileStreaming;
      t.after(() => (WebAssembly.compileStreaming = compileStreaming));
      await works(new Request(`${url}/wasm`));
    });

    test("too little room for it is no fault of the file's", async (t) => {
      const module = new WebAssembly.Module(bytes);
      const full = new RangeError("Out of memory");
      const { Instance } = WebAssembly;
      // @ts-ignore
      WebAssembly.Instance = function () {
        throw full;
      };
      t.after(() => (WebAssembly.Instance = Instance));
      const { code, cause, remediation } = await failure(module);
      assert.deepEqual([code, cause], ["unsupported_environment", full]);
      assert.match(remediation, /memory/);
    });

    test("who closes the last session that waits for it closes what loads it, and the next asks again", { timeout: 20_000 }, async () => {
      const address = `${url}/never`;
      for (const form of [() => address, () => new Request(address), () => () => address]) {
        const wasm = form();
        const held = once(server, "held");
        const [first, second] = [1, 2].map(() => entry.connect({ wasm, url: `${url}/realtime` }));
        const [response] = await held;
        await first.close();
        // Some turns later it is there still, for the second.
        await fetch(`${url}/wasm`);
        assert.equal(response.destroyed, false);
        const cut = once(response, "close");
        await second.close();
        await cut;
      }
      assert.equal(asked.filter((path) => path === "/never").length, 3);
    });

    test("a process ends when its sessions have", { timeout: 20_000 }, async () => {
      for (const wasm of ["new Promise(() => {})", "() => new Promise(() => {})", "new Response(new ReadableStream({}))"]) {
        const script = `import { connect } from "${dist(name === "throughline/wasm" ? "wasm.js" : "voice-wasm.js")}"; await connect({ wasm: ${wasm}, url: "ws://127.0.0.1:9/" }).close();`;
        const [code] = await once(spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: "inherit" }), "exit");
        assert.equal(code, 0, wasm);
      }
    });

    test("addresses that are signed anew each time are not kept for ever", async () => {
      const paths = Array.from({ length: 10 }, (_, n) => `/wasm?signed=${n}`);
      for (const path of paths) answers[path] = answers["/wasm"];
      for (const path of [...paths, paths[9], paths[0]]) await works(url + path);
      assert.deepEqual([9, 0].map((n) => asked.filter((path) => path === paths[n]).length), [1, 2]);
    });

    test("an aborted `signal` closes the session while the WebAssembly is still to come", { timeout: 20_000 }, async () => {
      const stop = new AbortController();
      const session = entry.connect({ wasm: new Promise(() => {}), url: `${url}/realtime`, signal: stop.signal });
      const ended = new Promise((resolve) => session.on("state", resolve));
      stop.abort();
      const { from, to, error } = await ended;
      assert.deepEqual([from, to, error], ["connecting", "closed", undefined]);
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

const INLINED = { "throughline/no-wasm": "no-wasm.js", throughline: "throughline.js", "throughline/voice": "voice.js" };
const ALL = Object.entries(ENTRIES).map(([name, { entry }]) => [name, entry]);
for (const [name, file] of Object.entries(INLINED)) ALL.push([name, await import(dist(file))]);
for (const [name, entry] of ALL) test(`${name}: a \`signal\` aborted already lets nothing begin`, { timeout: 20_000 }, async () => {
  const begun = [];
  const ask = (what) => async () => begun.push(what);
  const session = entry.connect({ url: "ws://127.0.0.1:9/", wasm: ask("wasm"), token: ask("token"), endpoints: { websocket: ask("endpoint") }, signal: AbortSignal.abort() });
  const { to, error } = await new Promise((resolve) => session.on("state", resolve));
  await session.close();
  assert.deepEqual([to, error, begun], ["closed", undefined, []]);
  assert.throws(() => entry.connect({ wasm: "x", signal: /** @type {any} */ (7) }), { code: "bad_option" });
});
