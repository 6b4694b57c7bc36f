// The entry `throughline/schemas`: looks at payloads by schemas that the application has (docs/schemas.md).

import { Line } from "./schemas/line.js";
import { read } from "./schemas/options.js";
import { INVALID } from "./schemas/text.js";

/** Milliseconds for a validator that is not done at once. */
const DEADLINE = 12_000;

/** Makes what `connect()` takes as `check`: called with a session and its host, it stands before what they are told. */
export const schemas = (options) => (session, host, SessionError, fold = (type) => type) => {
  const { events, commands, replies, invalid } = read(options, SessionError, fold);
  let failed = false;

  /** What a schema makes of a payload: a value, an error, or with `pass` both; or a promise of that. Never throws or rejects. */
  function look(schema, type, what, payload) {
    if (!schema) return { value: payload };
    /** @type {(result: { value?: unknown, issues?: any }) => any} */
    const judge = ({ issues, value }) => {
      if (!issues) return { value };
      const error = new SessionError("invalid", { ...INVALID, message: describe(what, issues), details: { type, issues } });
      return invalid === "pass" ? { value: payload, error } : { error };
    };
    const threw = (error) => judge({ issues: [{ message: String(error) }] });
    try {
      const result = schema["~standard"].validate(payload);
      return typeof result.then === "function" ? inTime(result).then(judge).catch(threw) : judge(result);
    } catch (error) {
      return threw(error);
    }
  }

  const message = host.message.bind(host);
  const coming = new Line(() => ({ error: new SessionError("slow_down", { message: "messages come faster than their schemas look at them: one was dropped" }) }));
  host.message = (type, payload, id) => {
    if (failed) return true;
    // What has no type is the protocol's to refuse.
    if (typeof type !== "string") return message(type);
    return coming.pass(() => look(events.get(fold(type)), type, type, payload), (looked) => {
      if (failed) return true;
      const { error } = looked;
      if (error && invalid === "fail" && error.code === "invalid") {
        failed = true;
        error.terminal = true;
        // Not while a unit is taken apart.
        queueMicrotask(() => host.state === "closed" || host.state === "failed" || host.fail(error));
        return true;
      }
      if (error) host.trouble(error);
      if ("value" in looked) return message(type, looked.value, id);
      host.stats.received++;
      return true;
    });
  };

  const send = session.send.bind(session);
  const request = session.request.bind(session);
  const going = new Line(() => ({ error: new SessionError("outbox_full") }));
  const leave = (type, payload, go) =>
    going.pass(() => look(commands.get(type), type, type, payload), (looked) => {
      if (!("value" in looked)) return Promise.reject(looked.error);
      if (looked.error) host.trouble(looked.error);
      return go(looked.value);
    });
  session.send = (type, payload, options) => leave(type, payload, (value) => send(type, value, options));
  session.request = async (type, payload, options) => {
    const reply = await leave(type, payload, (value) => request(type, value, options));
    const looked = await look(replies.get(type), type, `the reply to ${type}`, reply);
    if (!("value" in looked)) throw looked.error;
    if (looked.error) host.trouble(looked.error);
    return looked.value;
  };
};

/** Bounds a validator in time. @param {Promise<any>} result */
function inTime(result) {
  let alarm;
  const late = new Promise((_, reject) => (alarm = setTimeout(() => reject(`its schema took over ${DEADLINE} ms`), DEADLINE)));
  return Promise.race([result, late]).finally(() => clearTimeout(alarm));
}

/** The first issue as text: `AI_MESSAGE.text: expected a string`. */
function describe(what, [{ message, path } = /** @type {any} */ ({ message: "refused" })]) {
  const steps = (path ?? []).map((step) => "." + String(typeof step === "object" ? step.key : step));
  return `${what}${steps.join("")}: ${message}`;
}
