/**
 * What can go wrong, by `error.code`: what it means, and what to do about it first. `error.message` and `error.remediation` say the same, where nothing more is known.
 * Editors show it in `ByCode` and `ErrorCodes["…"]`.
 */
export interface ErrorCodes {
  /** The connection was refused or reset. Check that the server runs and that nothing blocks this transport. */
  refused: true;
  /** Nothing answered in time. A proxy or firewall may swallow this transport. */
  hang: true;
  /** The WebSocket opened and then stayed silent. A proxy may pass no frames: let it, or rely on the fallback. */
  swallowed: true;
  /** The event stream opened and then stayed silent. Switch response buffering off on the way (X-Accel-Buffering: no). */
  muted: true;
  /** The connection was lost soon after it opened. Check the logs of the server and its proxies. */
  flapped: true;
  /** The connection was lost. */
  lost: true;
  /** The connection fell silent. */
  half_open: true;
  /** The server answered with an HTTP error. Look the request up in its log. */
  http_status: true;
  /** The token was refused. Return a fresh token from `token`. */
  unauthorized: true;
  /** The server does not allow this. Check the user's rights and the server's allowed origins. */
  forbidden: true;
  /** Nothing is at this address. Check `url` and `endpoints`, and that the server has this route and method. */
  not_found: true;
  /** The server asks to slow down. Send less, or raise the server's limit. */
  slow_down: true;
  /** The server is not available. It is down or overloaded, as it or a proxy says. */
  server_unavailable: true;
  /** Another page took the session. */
  replaced: true;
  /** The message is larger than the server allows. Send less at once, or raise the server's limit. */
  too_large: true;
  /** The server closed the connection. */
  closed_by_server: true;
  /** The browser does not allow this address. Allow it in connect-src of the content security policy; an https: page needs wss: or https:. */
  blocked: true;
  /** This address is not valid. Check `url` and `endpoints`. */
  bad_address: true;
  /** This transport is not available. The others are used. */
  transport_unavailable: true;
  /** The server broke the protocol. Check that the server speaks this `dialect` (one of your own: json), and that no portal answers in its place. */
  protocol: true;
  /** A POST was not answered in time. */
  post_hung: true;
  /** A function asked before connecting failed or took too long. It has 12 s; `token` gives a string. */
  token: true;
  /** Connecting takes long. See explain(); tries go on. */
  connect_timeout: true;
  /** An endpoint function failed or took too long. It has 12 s; null is for no address. */
  endpoint: true;
  /** The session is over. Call connect() again. */
  closed: true;
  /** The message was written and may have arrived. Ask the server before you send it again. */
  outcome_unknown: true;
  /** The outbox is full. Await send(), or raise `outbox`. */
  outbox_full: true;
  /** The message was too old before it could be written. */
  expired: true;
  /** The session cannot be kept for a reload. Allow session storage and Web Locks, or leave `recover` out. */
  storage: true;
  /** Nothing came in time. */
  timeout: true;
  /** Aborted by its signal. */
  aborted: true;
  /** The payload has no JSON form. Send JSON values (no BigInt, no cycles) or a Uint8Array. */
  unserialisable: true;
  /** The server refused the request. */
  request_failed: true;
  /** The server reported an error. */
  server_error: true;
  /** This dialect cannot do that. Name a `reply` in the json dialect. */
  unsupported: true;
  /** WebAssembly is not available. Call connect() in a browser or a recent runtime. */
  unsupported_environment: true;
  /** The browser does not allow WebAssembly. Allow 'wasm-unsafe-eval' in script-src of the content security policy, or import throughline/no-wasm. */
  wasm_blocked: true;
  /** The WebAssembly could not be had. Check the option `wasm`, that the server has this file, and that connect-src of the content security policy allows it; `details` and `cause` say more. */
  wasm_unavailable: true;
  /** This is not the WebAssembly that belongs to this JavaScript. Give the package's throughline.wasm to throughline/wasm, voice.wasm to throughline/voice/wasm, of one version; `details` says what came. */
  wasm_mismatch: true;
  /** A message was not JSON with a type. Check what the server sends; it was dropped. */
  bad_message: true;
  /** A payload is not as its schema says. See `details.issues`; the option `invalid` says what becomes of it. */
  invalid: true;
  /** An option of connect() is not valid. Give what the message names. */
  bad_option: true;
  /** Messages came, but none that `dialect.ready` names. Check what the server sends first; `details` is the last that came. */
  not_ready: true;
  /** A defect in this library. Please report explain() with what you did. */
  internal: true;
  /** WebRTC was not set up. Check webrtc.signaling and endpoints.webrtc; the other transports are used. */
  signaling_failed: true;
  /** ICE servers could not be had; the call goes on without. Check webrtc.iceServers. */
  ice_servers: true;
  /** A TURN server did not take these credentials, or was not reached. Check its address, and that credentials are fresh. */
  turn_rejected: true;
  /** The microphone is not allowed. Allow it in the browser's settings for this site. */
  mic_denied: true;
  /** There is no microphone. Plug one in, or allow the browser to use it in the system's settings. */
  mic_not_found: true;
  /** The microphone cannot be opened. Close the application that holds it, or plug it in again. */
  mic_in_use: true;
  /** No microphone is as asked for. Leave `deviceId` out, or relax `audio.constraints`. */
  mic_constraint: true;
  /** This browser has no microphone to give. Use a recent browser; in an app's web view, allow media. */
  mic_unsupported: true;
  /** The microphone was lost and no other can be had. Plug one in and start() again. */
  mic_lost: true;
  /** A page over http: has no microphone. Serve the page over https:, or from localhost. */
  insecure_context: true;
  /** The browser does not allow the audio worklet. Give `audio.workletUrl` the address of the file throughline/audio-worklet.js, which script-src allows, or allow blob: there. */
  worklet_blocked: true;
  /** A tool failed. See `cause`; the model was told. */
  tool_failed: true;
  /** This browser has no Web Audio with worklets. Use a recent browser, and a page over https:. */
  audio_unsupported: true;
}

/** `error.code`: what went wrong, for programs. `ErrorCodes` explains each. */
export type ErrorCode = keyof ErrorCodes;

/**
 * Something for each code, or for some.
 *
 * @example
 * const words: ByCode<string> = { mic_denied: "Please allow the microphone.", outbox_full: "Slow down." };
 */
export type ByCode<T> = { [Code in keyof ErrorCodes]?: T };
