import { SessionError } from "../../error.js";
import { keyOf } from "./keys.js";

/** Where OpenAI answers offers. */
const CALLS = "https://api.openai.com/v1/realtime/calls";

/** Options of the dialect by what they may be. */
const OPTIONS = {
  string: "name",
  boolean: "subprotocols rollover",
  number: "history",
  function: "start session subprotocols",
  object: "session tools rollover",
};

/** A session takes long to begin, and its relay longer. */
const TIMING = { proof: 10_000, open: 10_000 };

const given = (value) => value !== undefined && value !== null && value !== "";

/** The dialect's options, if it is this one. @param {any} options @returns {any} */
export function openAiOf(options) {
  const { dialect } = options ?? {};
  return dialect === "openai" ? {} : dialect?.name === "openai" ? dialect : undefined;
}

/** Refuses what cannot be meant. @param {any} dialect */
function check(dialect) {
  const fail = (message) => {
    throw new SessionError("bad_option", { message });
  };
  const odd = Object.keys(dialect).find((name) => dialect[name] !== undefined && !OPTIONS[typeof dialect[name]]?.split(" ").includes(name));
  if (odd) fail(`dialect.${odd} cannot be that`);
  const { tools, rollover, session, history = 0 } = dialect;
  if (tools === null || session === null || rollover === null || rollover === true) fail("dialect.tools, session and rollover are objects");
  for (const [name, tool] of Object.entries(tools ?? {})) if (typeof tool?.run !== "function") fail(`dialect.tools.${name}.run must be a function`);
  for (const ms of [rollover?.after ?? 0, rollover?.latest ?? 0]) if (!(ms >= 0)) fail("dialect.rollover takes milliseconds");
  if (!(history >= 0)) fail("dialect.history is a number of items");
}

/** What the core and its transports take for this dialect: plain JSON with a sign that the server is ready. @param {any} options @param {any} dialect */
export function plainOf(options, dialect) {
  check(dialect);
  const { url, endpoints, transports, token, webrtc, timing } = options;
  const at = { webrtc: endpoints?.webrtc ?? url ?? (endpoints?.websocket ? undefined : CALLS), websocket: endpoints?.websocket };
  if (typeof webrtc?.signaling === "function") at.webrtc ??= CALLS;
  return {
    ...options,
    endpoints: { ...endpoints, ...at, sse: null, send: null, poll: null },
    transports: transports ?? ["webrtc", "websocket"].filter((name) => given(at[name])),
    token: typeof token === "function" ? async (context) => keyOf(await token(context)).key : token,
    webrtc: { signaling: "sdp", ...webrtc, channel: { label: "oai-events", ...webrtc?.channel } },
    timing: { ...TIMING, ...timing },
    dialect: { name: "json", ready: "session.created" },
  };
}
