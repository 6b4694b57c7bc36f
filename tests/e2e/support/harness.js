// Runs in the page before everything else: what the page says, and helpers for scripts that the driver runs.
"use strict";
(() => {
  const told = { errors: [], warnings: [], rejections: [], all: [] };
  const text = (args) => args.map((arg) => (arg instanceof Error ? `${arg.name}: ${arg.message} ${arg.stack}` : typeof arg === "string" ? arg : String(arg))).join(" ");
  for (const [level, list] of [["error", told.errors], ["warn", told.warnings], ["log", []], ["info", []], ["debug", []]]) {
    const original = console[level];
    console[level] = (...args) => {
      list.push(text(args));
      told.all.push(text(args));
      original.apply(console, args);
    };
  }
  addEventListener("error", (event) => event.message && told.errors.push(`uncaught ${event.message}`));
  addEventListener("unhandledrejection", (event) => told.rejections.push(text([event.reason])));
  try {
    localStorage.clear();
  } catch {}

  const until = async (holds, ms = 15_000, what = () => holds) => {
    const deadline = performance.now() + ms;
    for (;;) {
      const value = await holds();
      if (value) return value;
      if (performance.now() > deadline) throw new Error(`not within ${ms} ms: ${typeof what === "function" ? what() : what}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

  /** An error as plain data. */
  const plain = (error) => error && {
    name: error.name, message: error.message, code: error.code, terminal: error.terminal, remediation: error.remediation,
    transport: error.transport, status: error.status, closeCode: error.closeCode, retryInMs: error.retryInMs,
    details: error.details, cause: error.cause && String(error.cause),
  };

  /** What a promise came to: `{ value }` or `{ error }`. */
  const outcome = (promise) => Promise.resolve(promise).then((value) => ({ value }), (error) => ({ error: plain(error) }));

  /** Opens a session that keeps a record of everything it tells. */
  const open = async (options) => {
    const { connect } = await import("/throughline.js");
    const session = connect(options);
    const record = { states: [], transports: [], errors: [], retries: [], gaps: 0, messages: [] };
    session.on("state", ({ from, to, error }) => record.states.push({ at: performance.now(), from, to, error: plain(error) }));
    session.on("transport", ({ from, to }) => record.transports.push({ from, to }));
    session.on("error", (error) => record.errors.push(plain(error)));
    session.on("retry", ({ inMs }) => record.retries.push(inMs));
    session.on("gap", () => record.gaps++);
    session.on("message", (message) => record.messages.push(message));
    return { session, record };
  };

  /** Opens a session and waits until it is connected; fails with its own account of itself. */
  const connected = async (options, ms = 20_000) => {
    const opened = await open(options);
    const { session } = opened;
    await until(() => session.state === "connected" || session.state === "failed", ms, "connected").catch((error) => {
      throw new Error(`${error.message}: ${JSON.stringify(session.explain())}`);
    });
    if (session.state === "failed") throw new Error(`failed: ${JSON.stringify(opened.record.errors)}`);
    return opened;
  };

  /** Runs a function, given as text, in the page's own realm. */
  const run = (source, args) => new Function(`return (${source})`)()(...args);

  window.harness = { run, told, until, sleep, plain, outcome, open, connected };
})();
