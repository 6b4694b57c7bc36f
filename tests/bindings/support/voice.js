// The entry `throughline/voice` as the apps import it: at the test's server, over one transport, and counted.

import { connect as start } from "#voice";

globalThis.made ??= [];

export function connect(options) {
  const session = start({ ...options, url: new URL(options.url, globalThis.server).href, transports: ["websocket"] });
  globalThis.made.push(session);
  return session;
}
