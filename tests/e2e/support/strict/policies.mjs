// What is tried: pages with a policy, and what a session in each should come to.

const SCRIPT = "script-src 'self'";
const WASM = `${SCRIPT} 'wasm-unsafe-eval'`;
const HERE = "connect-src 'self'";
/** What the text entries need whose server is the page's own. */
const ALL = `${WASM}; ${HERE}`;
/** The nonce of every page's script, where a policy asks for one. */
export const NONCE = "c3RyaWN0";
const NONCED = `script-src 'nonce-${NONCE}' 'strict-dynamic' 'wasm-unsafe-eval'`;
const TRUSTED = "require-trusted-types-for 'script'; trusted-types 'none'";
const ISOLATED = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };
const ws = (url) => url.replace(/^http/, "ws");
const strict = (rest) => `default-src 'none'; ${rest}`;

/**
 * The entries: their scripts, whether these compile WebAssembly, and where that is fetched from, if it is not in the script.
 * @type {Record<string, { entry: string, wasm: boolean, file?: string }>}
 */
export const ENTRIES = {
  throughline: { entry: "/throughline.js", wasm: true },
  voice: { entry: "/voice.js", wasm: true },
  wasm: { entry: "/wasm.js", wasm: true, file: "/throughline.wasm" },
  "voice-wasm": { entry: "/voice-wasm.js", wasm: true, file: "/voice.wasm" },
  "no-wasm": { entry: "/no-wasm.js", wasm: false },
};

/**
 * A page. Its policy comes as a header (`policy`), as one that only reports (`reportOnly`), or in a `<meta>` (`meta`); `headers` are further ones. The session runs in the page, in a frame
 * of another site's (`frame`), in a worker with a policy of its own (`worker`), or in one from a blob (`inherits`). Its server is at the page's origin, or `away`.
 * `comes` is the transport that carries the session, or the code of the error that ends it; `only` says where one browser differs. `denies` is what it denies beside that: the WebAssembly (`wasm`), the file with it (`file`).
 * `reports` are the directives that the browser tells of, where that is not what the outcome says.
 * @typedef {object} Page
 * @property {string} comes
 * @property {Record<string, string>} [only]
 * @property {string[]} [denies]
 * @property {string[]} [reports]
 */

/** @type {Record<string, any>} */
export const POLICIES = {
  "script-src-self-alone": { policy: () => strict(SCRIPT), denies: ["wasm", "file"], comes: "blocked" },
  "no-wasm-unsafe-eval": { policy: () => strict(`${SCRIPT}; ${HERE}`), denies: ["wasm"], comes: "websocket" },
  "no-connect-src": { policy: () => strict(WASM), denies: ["file"], comes: "blocked" },
  strict: { policy: () => strict(ALL), comes: "websocket" },
  "unsafe-eval": { policy: () => strict(`${SCRIPT} 'unsafe-eval'; ${HERE}`), comes: "websocket" },
  meta: { meta: () => strict(ALL), comes: "websocket" },
  "meta-no-wasm-unsafe-eval": { meta: () => strict(`${SCRIPT}; ${HERE}`), denies: ["wasm"], comes: "websocket" },
  "away-not-named": { policy: () => strict(ALL), away: true, comes: "blocked" },
  "away-ws-and-http": { policy: ({ away }) => strict(`${WASM}; ${HERE} ${away} ${ws(away)}`), away: true, comes: "websocket" },
  "away-ws": { policy: ({ away }) => strict(`${WASM}; ${HERE} ${ws(away)}`), away: true, comes: "websocket" },
  "away-http": { policy: ({ away }) => strict(`${WASM}; ${HERE} ${away}`), away: true, comes: "sse", reports: ["connect-src"] },
  "trusted-types": { policy: () => strict(`${ALL}; ${TRUSTED}`), comes: "websocket" },
  "strict-dynamic": { policy: () => strict(`${NONCED}; ${HERE}`), comes: "websocket" },
  isolated: { policy: () => strict(ALL), headers: ISOLATED, comes: "websocket" },
  "isolated-away": { policy: ({ away }) => strict(`${WASM}; ${HERE} ${away} ${ws(away)}`), headers: ISOLATED, away: true, comes: "websocket" },
  "report-only": { reportOnly: () => strict(ALL), comes: "websocket" },
  "report-only-too-strict": { reportOnly: () => strict(SCRIPT), comes: "websocket", reports: ["connect-src (report)", "script-src (report)"] },
  sandbox: { policy: ({ here }) => strict(`script-src ${here} 'wasm-unsafe-eval'; connect-src ${here} ${ws(here)}`), frame: { sandbox: "allow-scripts" }, comes: "websocket" },
  "sandbox-no-wasm-unsafe-eval": { policy: ({ here }) => strict(`script-src ${here}; connect-src ${here} ${ws(here)}`), frame: { sandbox: "allow-scripts" }, denies: ["wasm"], comes: "websocket" },
  "sandbox-header": { policy: ({ here }) => strict(`sandbox allow-scripts; script-src ${here} 'wasm-unsafe-eval'; connect-src ${here} ${ws(here)}`), comes: "websocket" },
  worker: { policy: () => strict(`${SCRIPT}; worker-src 'self'`), worker: () => strict(ALL), comes: "websocket" },
  "worker-no-wasm-unsafe-eval": { policy: () => strict(`${ALL}; worker-src 'self'`), worker: () => strict(`${SCRIPT}; ${HERE}`), denies: ["wasm"], comes: "websocket" },
  // WebKit tells a worker nothing of what it forbids there but a WebSocket: the session goes on trying.
  "worker-no-connect-src": { policy: () => strict(`${ALL}; worker-src 'self'`), worker: () => strict(WASM), denies: ["file"], comes: "blocked", only: { webkit: "connecting" } },
  "blob-worker": { policy: () => strict(`${ALL}; worker-src 'self' blob:`), inherits: true, comes: "websocket" },
  "blob-worker-no-wasm-unsafe-eval": { policy: () => strict(`${SCRIPT}; ${HERE}; worker-src 'self' blob:`), inherits: true, denies: ["wasm"], comes: "websocket" },
  "blob-worker-no-connect-src": { policy: () => strict(`${WASM}; worker-src 'self' blob:`), inherits: true, denies: ["file"], comes: "blocked", only: { webkit: "connecting" } },
};

const FILE = "/audio-worklet.js";
const SANDBOXED = ({ here, away }) => strict(`script-src ${here} 'wasm-unsafe-eval'; connect-src ${here} ${ws(away)}`);
const EAR = ({ away }) => `connect-src 'self' ${ws(away)}`;

/** The same for pages that speak and hear, whose server is another's. It comes to `sound`, or to the code of the first error. `workletUrl` is the option. @type {Record<string, any>} */
export const SOUNDS = {
  "blob-not-named": { policy: (at) => strict(`${WASM}; ${EAR(at)}`), comes: "worklet_blocked" },
  "script-src-blob": { policy: (at) => strict(`${WASM} blob:; ${EAR(at)}`), comes: "sound" },
  "worker-src-blob": { policy: (at) => strict(`${WASM}; worker-src blob:; ${EAR(at)}`), comes: "worklet_blocked" },
  "worklet-url": { policy: (at) => strict(`${WASM}; ${EAR(at)}`), workletUrl: FILE, comes: "sound" },
  "media-src-none": { policy: (at) => strict(`${WASM}; media-src 'none'; ${EAR(at)}`), workletUrl: FILE, comes: "sound" },
  "trusted-types": { policy: (at) => strict(`${WASM}; ${EAR(at)}; ${TRUSTED}`), workletUrl: FILE, comes: "sound" },
  "trusted-types-blob": { policy: (at) => strict(`${WASM} blob:; ${EAR(at)}; ${TRUSTED}`), comes: "sound" },
  "strict-dynamic": { policy: (at) => strict(`${NONCED}; ${EAR(at)}`), workletUrl: FILE, comes: "sound" },
  "strict-dynamic-blob": { policy: (at) => strict(`${NONCED}; ${EAR(at)}`), comes: "sound" },
  isolated: { policy: (at) => strict(`${WASM}; ${EAR(at)}`), headers: ISOLATED, workletUrl: FILE, comes: "sound" },
  "permissions-policy": { policy: (at) => strict(`${WASM}; ${EAR(at)}`), headers: { "Permissions-Policy": "microphone=()" }, workletUrl: FILE, comes: "mic_denied", only: { firefox: "sound" } },
  "frame-allowed": { policy: (at) => strict(`${WASM}; ${EAR(at)}`), frame: { allow: "microphone" }, workletUrl: FILE, comes: "sound" },
  "frame-not-allowed": { policy: (at) => strict(`${WASM}; ${EAR(at)}`), frame: {}, workletUrl: FILE, comes: "mic_denied" },
  "sandbox-allowed": { policy: SANDBOXED, frame: { sandbox: "allow-scripts", allow: "microphone *" }, workletUrl: FILE, comes: "mic_denied" },
};

/** What a session should come to in a page of a browser. */
export function expected({ comes, only, denies = [] }, { wasm, file }, browser) {
  if (file && denies.includes("file")) return "wasm_unavailable";
  if (wasm && denies.includes("wasm")) return "wasm_blocked";
  return only?.[browser] ?? comes;
}

/** What the page or its browser said that nobody expected: a browser need not tell of what it forbids, and of nothing else. */
export function strays({ reports = [] }, { outcome, reports: told, stray }) {
  const carried = ["websocket", "sse", "sound"].includes(outcome);
  const known = carried ? reports : ["script-src", "connect-src"];
  return [...stray, ...told.filter((directive) => !known.includes(directive)).map((directive) => `reported ${directive}`)];
}

/** Ten seconds of a tone, as a server of plain JSON says it. */
export function speech() {
  const rate = 24_000;
  const pcm = Int16Array.from({ length: 10 * rate }, (_, i) => 12_000 * Math.sin((2 * Math.PI * 440 * i) / rate));
  const audio = Buffer.from(pcm.buffer).toString("base64");
  return [{ type: "audio:start", stream: 1, rate }, { type: "audio", audio }].map((message) => JSON.stringify(message));
}
