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

  // The page's own clock and alarms, whatever a test puts in their place.
  const now = performance.now.bind(performance);
  const { setTimeout, setInterval } = window;

  const until = async (holds, ms = 15_000, what = () => holds) => {
    const deadline = now() + ms;
    for (;;) {
      const value = await holds();
      if (value) return value;
      if (now() > deadline) throw new Error(`not within ${ms} ms: ${typeof what === "function" ? what() : what}`);
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

  /** Opens a session that keeps a record of everything it tells; `entry` names the bundle it is of. */
  const open = async ({ entry = "throughline", ...options } = {}) => {
    const { connect } = await import(`/${entry}.js`);
    const session = connect(options);
    const record = { states: [], transports: [], errors: [], retries: [], gaps: 0, messages: [] };
    session.on("state", ({ from, to, error }) => record.states.push({ at: performance.now(), from, to, error: plain(error) }));
    session.on("transport", ({ from, to }) => record.transports.push({ from, to }));
    session.on("error", (error) => record.errors.push(plain(error)));
    session.on("retry", ({ inMs }) => record.retries.push(inMs));
    session.on("gap", (gap) => {
      record.gaps++;
      record.gap = gap;
    });
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

  /**
   * Talks both ways at once: numbers go up and come back as echoes, and a show's comments, numbered by who publishes them,
   * come down. Notes each time the page woke after it had not run for a while, and each proof of a link: a round trip or a change of link.
   */
  const talk = async (session, show) => {
    const heard = { sends: [], echoes: [], comments: [], wakes: [], proofs: [] };
    let last = now();
    const awake = () => {
      const at = now();
      if (at - last > 1_000) heard.wakes.push({ at, slept: at - last });
      last = at;
      return at;
    };
    for (const name of ["rtt", "transport"]) session.on(name, () => session.transport && heard.proofs.push(awake()));
    session.on("ECHO", (n) => awake() && heard.echoes.push(n));
    session.on("COMMENT", ({ text }) => awake() && heard.comments.push(Number(text)));
    await session.send("SUBSCRIBE", { topic: `shows/${show}` });
    const timer = setInterval(() => awake() && heard.sends.push(outcome(session.send("ECHO", heard.sends.length))), 40);
    return {
      heard,
      /** Stops, waits for everything that was sent and published, and says what came of it. */
      async end(published) {
        clearInterval(timer);
        const undecided = () => JSON.stringify([heard.sends.length, heard.echoes.length, published, heard.comments.length, session.explain()]);
        await until(() => heard.comments.length >= published && heard.echoes.length >= heard.sends.length, 30_000, undecided);
        const refused = (await Promise.all(heard.sends)).filter(({ error }) => error);
        const inOrder = (numbers, count) => numbers.length === count && numbers.every((n, i) => n === i);
        const woke = heard.wakes.at(-1);
        return {
          refused, up: inOrder(heard.echoes, heard.sends.length), down: inOrder(heard.comments, published), sent: heard.sends.length,
          slept: woke?.slept, provenAfter: woke && heard.proofs.find((at) => at >= woke.at) - woke.at,
        };
      },
    };
  };

  /** A list that outlives the page, as long as its tab. */
  const diary = (name) => {
    const list = JSON.parse(sessionStorage.getItem(name) ?? "[]");
    const push = (item) => {
      list.push(item);
      sessionStorage.setItem(name, JSON.stringify(list));
    };
    return { list, push };
  };

  /** Keeps what goes up from now on: each WebSocket message and each POST's body, as text. */
  const recordUp = () => {
    const units = [];
    const { send } = WebSocket.prototype;
    const { fetch } = window;
    WebSocket.prototype.send = function (data) {
      units.push(String(data));
      return send.call(this, data);
    };
    window.fetch = (address, init) => {
      if (init?.method === "POST") units.push(String(init.body));
      return fetch(address, init);
    };
    return units;
  };

  /** Runs a function, given as text, in the page's own realm. */
  const run = (source, args) => new Function(`return (${source})`)()(...args);

  /** Imports a module that is given as text. */
  const module = (code) => import(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));

  window.harness = { run, module, told, now, until, sleep, plain, outcome, open, connected, talk, diary, recordUp };
})();
