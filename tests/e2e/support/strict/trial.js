// Runs under the policy that is tried, in a page, a frame or a worker: opens a session as an app would and says what came of it.

/** Milliseconds until a session has connected or failed. */
const PATIENCE = 10_000;

const reports = new Set();
const stray = [];
const text = (thing) => (thing instanceof Error ? `${thing.name}: ${thing.message}` : String(thing));
for (const level of ["error", "warn"]) {
  const write = console[level];
  console[level] = (...args) => {
    stray.push(`${level} ${args.map(text).join(" ")}`);
    write.apply(console, args);
  };
}
addEventListener("error", (event) => event.message && stray.push(`uncaught ${event.message}`));
addEventListener("unhandledrejection", ({ reason }) => stray.push(`unhandled ${text(reason)}`));
addEventListener("securitypolicyviolation", ({ effectiveDirective, disposition, blockedURI }) => {
  // The browser's own wish.
  if (blockedURI.endsWith("/favicon.ico")) return;
  reports.add(effectiveDirective.replace(/-elem$/, "") + (disposition === "report" ? " (report)" : ""));
});

/** Waits until what `look` gives is there, or for too long. */
async function until(look) {
  const end = performance.now() + PATIENCE;
  for (;;) {
    const seen = look();
    if (seen || performance.now() > end) return seen;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** @param {{ entry: string, options: any, sound?: boolean, errors?: number }} about the session to open: one that speaks (`sound`), or one that need only have told of so many errors
 * @param {any} [module] the entry, where it cannot be imported late */
export async function trial({ entry, options, sound, errors: enough = Infinity }, module) {
  const errors = [];
  const began = performance.now();
  let outcome;
  try {
    const { connect } = module ?? (await import(entry).catch(() => ({})));
    if (!connect) return { outcome: "refused", errors, reports: [...reports], stray };
    const { wasm } = options;
    if (wasm?.integrity) options.wasm = new Request(wasm.address, { integrity: wasm.integrity });
    const session = connect({ remember: false, ...options });
    const note = ({ code, terminal, remediation, transport }) => errors.push({ code, terminal, remediation, transport });
    session.on("error", note);
    session.on("state", ({ error }) => error && note(error));
    const came = await until(() => session.state === "failed" || errors.length >= enough || (session.state === "connected" && session.transport));
    if (came === true) outcome = errors.at(-1)?.code ?? "failed";
    else if (!came) outcome = session.state;
    else if (sound) outcome = await converse(session, errors);
    else outcome = (await session.request("ECHO", "strict")) === "strict" ? came : "mute";
    await session.close();
  } catch (error) {
    outcome = `thrown ${error.code ?? text(error)}`;
  }
  return { outcome, errors, reports: [...reports].sort(), stray, ms: Math.round(performance.now() - began) };
}

/** Hears the microphone and plays what the server says; gives `sound`, or why not. */
async function converse(session, errors) {
  let level = 0;
  let spoke = false;
  // What the microphone hears may interrupt it soon.
  session.audio.on("speaking", ({ who }) => (spoke ||= who === "agent"));
  session.audio.on("level", (event) => (level = Math.max(level, event.level)));
  try {
    await session.audio.start();
  } catch (error) {
    return error.code;
  }
  if (!(await until(() => level > 0 || errors.length))) return "deaf";
  if (errors.length) return errors[0].code;
  await session.send("SPEAK", {});
  if (!(await until(() => spoke))) return "silent";
  // What is played reaches an element, which runs.
  return (await until(() => document.querySelector("audio")?.currentTime > 0)) ? "sound" : "stuck";
}
