// What errors say: what became of what was asked for, and what to do about it.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";

import { SessionError as Built } from "../../pkg/dist/throughline.js";
import { CONNECT, ENVIRONMENT, GONE, NOTE, SETTLED, STATE, TROUBLE } from "../../pkg/js/core.js";
import { SessionError, codeOf } from "../../pkg/js/error.js";
import { explain } from "../../pkg/js/explain.js";
import { Host } from "../../pkg/js/host.js";
import { STATES, perform } from "../../pkg/js/perform.js";

/** A host without a core, and what it tells of errors. */
function hostOf(options = {}) {
  const host = new Host(options, { transports: [0, 1, 2], events: [] });
  const told = [];
  host.listeners.add("error", (error) => told.push(error), false);
  return { host, told };
}

const rejection = (promise) => promise.then(() => assert.fail("it was sent"), (error) => error);

test("an error's name is there when its stack is written, however short the class is called", async () => {
  assert.match(new Built("refused").stack, /^SessionError: the connection was refused or reset\n/);
  assert.deepEqual(Object.keys(new Built("lost")), ["code", "terminal"]);
  const dist = new URL("../../pkg/dist/throughline.js", import.meta.url).href;
  const script = `import { connect } from ${JSON.stringify(dist)}; connect({ transports: [] });`;
  const { stderr } = await rejection(promisify(execFile)(process.execPath, ["--input-type=module", "-e", script]));
  assert.match(stderr, /^SessionError: transports must be/m);
  assert.doesNotMatch(stderr, /Error: SessionError|\b\w: transports/);
});

test("a send that waited when the session was closed says so, whatever the state was", async () => {
  const { host } = hostOf();
  host.state = "reconnecting";
  const waiting = rejection(host.send({ text: '"A",1' }, 8, 0));
  perform(host, [SETTLED, 1, GONE, STATE, STATES.indexOf("reconnecting"), STATES.indexOf("closed"), 0, -1, -1, -1, -1]);
  const after = rejection(host.send({ text: '"A",1' }, 8, 0));
  for (const { code, message, remediation } of [await waiting, await after]) {
    assert.deepEqual([code, message, remediation], ["closed", "the session was closed before this was sent", "call connect() again"]);
  }
});

test("a send that waited when the session failed, and one after that, have its error as their cause", async () => {
  const { host, told } = hostOf();
  host.state = "connecting";
  const waiting = rejection(host.send({ text: '"A",1' }, 8, 0));
  // Cause 8 with HTTP status 401: unauthorized.
  perform(host, [SETTLED, 1, GONE, STATE, STATES.indexOf("connecting"), STATES.indexOf("failed"), 8, 1, 0, 401, -1]);
  const after = rejection(host.send({ text: '"A",1' }, 8, 0));
  for (const { code, message, remediation, cause } of [await waiting, await after]) {
    assert.deepEqual([code, cause, remediation], ["closed", told[0], "return a fresh token from `token`"]);
    assert.equal(message, "the session failed before this was sent: the token was refused (sse, HTTP 401)");
  }
});

test("a send that a suspended session refuses says that it goes on", async () => {
  const { host } = hostOf();
  host.state = "suspended";
  const sent = rejection(host.send({ text: '"A",1' }, 8, 0));
  perform(host, [SETTLED, 1, GONE]);
  const { message, remediation } = await sent;
  assert.match(message, /suspended/);
  assert.match(remediation, /once it is connected/);
});

test("what was written when the session failed by itself has perhaps arrived", async () => {
  const { host } = hostOf();
  const written = rejection(host.send({ text: '"A",1' }, 8, 0));
  const waiting = rejection(host.send({ text: '"A",2' }, 8, 0));
  host.sends.get(1).written = true;
  host.fail(new SessionError("internal", { terminal: true }));
  assert.deepEqual([(await written).code, (await waiting).code], ["outcome_unknown", "closed"]);
});

const CAUSES = { bad_address: 11, token: 15, endpoint: 19 };
const NONE = [-1, 0, 0, -1];
/** The number of a note that tells that an attempt ended. */
const ATTEMPT_ENDED = 5;
const ON_WEBSOCKET = [0, 0, 0, -1];

test("the causes have the numbers that the tests here take", () => {
  for (const [code, cause] of Object.entries(CAUSES)) assert.equal(codeOf(cause, 0), code);
});

/** Asks for a token as the core does, and tells what came of it as the core would. */
async function asked(options) {
  const { host, told } = hostOf(options);
  host.state = "connecting";
  await new Promise((resolve) => {
    host.tell = (kind, ok) => {
      assert.equal(ok, 0);
      perform(host, [TROUBLE, CAUSES.token, ...NONE]);
      resolve();
    };
    host.askToken(CONNECT);
  });
  host.close();
  return { host, error: told[0] };
}

test("a function that failed is named, with what it said", async () => {
  const text = "a function asked before connecting failed or took too long";
  const dialect = (own) => ({ dialect: { name: "json", ...own } });
  const said = [
    [{ token: () => Promise.reject(new Error("my login is down")) }, "token: my login is down"],
    [{ token: () => 7 }, "token: the token is not a string"],
    [{ token: () => Promise.reject("nobody") }, "token: nobody"],
    [{ token: () => "t", ...dialect({ hello: () => Promise.reject(new Error("no cursor")) }) }, "hello: no cursor"],
    [dialect({ session: { start: () => ({}) } }), "session.start: no sessionId"],
  ];
  for (const [options, why] of said) {
    const { error } = await asked(options);
    assert.deepEqual([error.code, error.message], ["token", `${text} (${why})`]);
    assert.doesNotMatch(error.remediation, /reject/);
  }
});

test("a function that does not answer is named, too", () => {
  const { host, told } = hostOf({ token: () => new Promise(() => {}) });
  host.tell = () => {};
  host.askToken(CONNECT);
  perform(host, [TROUBLE, CAUSES.token, ...NONE]);
  host.close();
  assert.match(told[0].message, /\(token: no answer\)$/);
});

test("an endpoint function that failed is named, with what it said", async () => {
  for (const [options, name] of [[{ endpoints: { websocket: () => Promise.reject(new Error("no ticket")) } }, "endpoints.websocket"], [{ url: () => Promise.reject(new Error("no ticket")) }, "url"]]) {
    const { host, told } = hostOf(options);
    await new Promise((resolve) => {
      host.tell = () => resolve(perform(host, [TROUBLE, CAUSES.endpoint, ...ON_WEBSOCKET]));
      host.locate(1, "websocket", () => assert.fail("there is no address"));
    });
    assert.deepEqual([told[0].code, told[0].message], ["endpoint", `an endpoint function failed or took too long (${name}: no ticket, websocket)`]);
    assert.equal(told[0].cause.message, "no ticket");
  }
});

test("a relative address where there is no page is told as that, an absolute one that is wrong as not valid", async () => {
  assert.equal(globalThis.location, undefined);
  for (const [url, says] of [[undefined, /^a relative address needs a page/], ["/realtime", /^a relative address needs a page/], ["http://[bad", /^this address is not valid/]]) {
    const { host, told } = hostOf({ url });
    await new Promise((resolve) => {
      host.tell = () => resolve(perform(host, [TROUBLE, CAUSES.bad_address, ...ON_WEBSOCKET]));
      host.locate(1, "websocket", () => assert.fail("there is no address"));
    });
    assert.equal(told[0].code, "bad_address");
    assert.match(told[0].message, says);
    assert.match(told[0].remediation, says.source.includes("page") ? /in the browser/ : /check `url`/);
  }
});

test("a token that goes nowhere over a plain WebSocket is told once, and only there", async () => {
  const url = "ws://127.0.0.1:1/x";
  const located = async (options, purpose = "websocket") => {
    const { host, told } = hostOf({ url, token: () => "sesame", ...options });
    host.token = "sesame";
    for (let n = 0; n < 2; n++) host.locate(1, purpose, () => {});
    await new Promise(setImmediate);
    return told;
  };
  const json = (own) => ({ dialect: { name: "json", ...own } });
  const [error, ...more] = await located(json());
  assert.deepEqual(more, []);
  assert.deepEqual([error.code, error.terminal, error.transport, error.message], ["bad_option", false, "websocket", "the token goes nowhere over WebSocket"]);
  assert.match(error.remediation, /`hello`.*`tokenQuery`/);
  assert.doesNotMatch(JSON.stringify(error), /sesame/);
  const carried = [{}, json({ hello: () => {} }), json({ protocols: ["a"] }), json({ session: { start: () => {} } }), { ...json(), endpoints: { websocket: () => url } }];
  for (const options of carried) assert.deepEqual(await located(options), []);
  assert.deepEqual(await located(json(), "sse"), []);
});

test("`hello` gets the token just asked for", async () => {
  let got;
  const { host } = hostOf({ token: () => "fresh", dialect: { name: "json", hello: ({ token }) => void (got = token) } });
  await new Promise((resolve) => {
    host.tell = resolve;
    host.askToken(CONNECT);
  });
  host.close();
  assert.equal(got, "fresh");
});

test("the account begins with what keeps the session from being connected", async () => {
  const { host } = await asked({ token: () => Promise.reject(new Error("my login is down")) });
  assert.match(explain(host, "effectively-once").summary, /^The session is closed\.$/);
  const { host: waiting } = hostOf();
  waiting.state = "connecting";
  waiting.reason = new Error("my login is down");
  waiting.asking = "token";
  perform(waiting, [TROUBLE, CAUSES.token, ...NONE]);
  assert.match(explain(waiting, "effectively-once").summary, /^The session is connecting: a function .* \(token: my login is down\); it has 12 s/);
  perform(waiting, [STATE, STATES.indexOf("connecting"), STATES.indexOf("connected"), -1]);
  assert.equal(explain(waiting, "effectively-once").summary, "The session is connected.");
  const { host: failed } = hostOf();
  failed.fail(new SessionError("wasm_blocked", { terminal: true }));
  assert.match(explain(failed, "effectively-once").summary, /^The session is failed: the browser does not allow WebAssembly; allow 'wasm-unsafe-eval'/);
});

test("what the account says of the whole it does not say of the attempt again", () => {
  const { host } = hostOf();
  host.state = "connecting";
  perform(host, [NOTE, ATTEMPT_ENDED, 1, 0, 1, 0, TROUBLE, 1, ...ON_WEBSOCKET]);
  assert.equal(explain(host, "").summary.match(/refused or reset/g).length, 1);
});

test("the console says where it went, without the query", (t) => {
  const warned = t.mock.method(console, "warn", () => {});
  const host = new Host({ url: "http://127.0.0.1:1/a/b?secret=sesame" }, { transports: [0], events: [] });
  host.locate(1, "websocket", () => {});
  perform(host, [NOTE, ATTEMPT_ENDED, 1, 0, 1, 0, TROUBLE, 1, ...ON_WEBSOCKET]);
  const texts = warned.mock.calls.map(({ arguments: [text] }) => text);
  assert.deepEqual(texts, ["throughline: the connection was refused or reset (websocket); check that the server runs and that nothing blocks this transport (http://127.0.0.1:1/a/b)"]);
});

test("retry() tells the core as coming back online does, while the session looks for a link", () => {
  const { host } = hostOf();
  const told = [];
  host.tell = (...input) => told.push([host.state, ...input]);
  for (host.state of STATES) host.retry();
  assert.deepEqual(told, ["connecting", "reconnecting", "suspended"].map((state) => [state, ENVIRONMENT, 0]));
});

test("an option that cannot be is told with what was given, a token never", () => {
  const thrown = (options) => {
    try {
      hostOf(options);
    } catch (error) {
      return error;
    }
    return assert.fail("it was taken");
  };
  assert.match(thrown({ transports: ["websocket", "carrier-pigeon"] }).message, /, not \[websocket,carrier-pigeon\]$/);
  assert.match(thrown({ dialect: { name: "json", ready: 7 } }).message, /dialect\.ready cannot be that \(number\)/);
  const { message, remediation } = thrown({ token: "sesame" });
  assert.doesNotMatch(message, /sesame/);
  assert.ok(remediation);
});
