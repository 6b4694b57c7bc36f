import { TEXTS } from "../error.js";

/** Texts of what only voice can tell. */
Object.assign(TEXTS, {
  mic_denied: ["the microphone is not allowed", "allow it in the browser's settings for this site"],
  mic_not_found: ["there is no microphone", "plug one in, or allow the browser to use it in the system's settings"],
  mic_in_use: ["the microphone cannot be opened", "close the application that holds it, or plug it in again"],
  mic_constraint: ["no microphone is as asked for", "leave `deviceId` out, or relax `audio.constraints`"],
  mic_unsupported: ["this browser has no microphone to give", "use a recent browser; in an app's web view, allow media"],
  mic_lost: ["the microphone was lost and no other can be had", "plug one in and start() again"],
  insecure_context: ["a page over http: has no microphone", "serve the page over https:, or from localhost"],
  worklet_blocked: ["the browser does not allow the audio worklet", "give `audio.workletUrl` the address of the file throughline/audio-worklet.js, which script-src allows, or allow blob: there"],
  tool_failed: ["a tool failed", "see `cause`; the model was told"],
  audio_unsupported: ["this browser has no Web Audio with worklets", "use a recent browser, and a page over https:"],
});

/** What to do about a refusal, by what refused. */
const DENIED = {
  dismissed: "the question was closed unanswered: ask again after the user did something",
  policy: 'a frame needs allow="microphone", and the page\'s Permissions-Policy must not forbid it',
  insecure_context: TEXTS.insecure_context[1],
};

const CODES = {
  NotAllowedError: "mic_denied", PermissionDeniedError: "mic_denied", SecurityError: "mic_denied", NotFoundError: "mic_not_found",
  DevicesNotFoundError: "mic_not_found", NotReadableError: "mic_in_use", TrackStartError: "mic_in_use", AbortError: "mic_in_use",
  OverconstrainedError: "mic_constraint", ConstraintNotSatisfiedError: "mic_constraint", TypeError: "mic_unsupported",
};

/**
 * What a failure of getUserMedia means, as a code and what is known beside it.
 * @param {any} cause @param {{ secure: boolean, allowed: boolean, permission?: string }} about the page: its context, its Permissions-Policy, what the user said
 */
export function whyNoMicrophone(cause, { secure, allowed, permission }) {
  let code = CODES[cause?.name] ?? "mic_unsupported";
  if (code === "mic_unsupported" && !secure) code = "insecure_context";
  /** @type {Record<string, unknown>} */
  const more = { cause };
  if (code === "mic_denied") {
    const sub = !secure ? "insecure_context" : !allowed ? "policy" : permission === "prompt" ? "dismissed" : "denied";
    more.details = { sub };
    if (DENIED[sub]) more.remediation = DENIED[sub];
  }
  if (cause?.constraint) more.details = { constraint: cause.constraint };
  return { code, more };
}
