import { find, write } from "./dom.js";
import { nameOf, span } from "./words.js";

const EVERY = 1_000;

/** The line that says over what the conversation goes at this moment, and how long it takes. */
export class Rung {
  #line = find("#rung");
  #session;

  constructor() {
    setInterval(() => this.#show(), EVERY);
  }

  follow(session) {
    this.#session = session;
    session.on("transport", () => this.#show());
    this.#show();
  }

  async #show() {
    const session = this.#session;
    if (!session) return;
    const { transport } = session;
    this.#line.dataset.transport = transport ?? "";
    const path = transport === "webrtc" ? await pathOf(session) : undefined;
    if (session !== this.#session || transport !== session.transport) return;
    const { rtt } = session.stats();
    const took = path?.rttMs ?? rtt;
    const words = [nameOf(transport), path?.words, transport && took !== null ? span(took) : undefined];
    write(this.#line, words.filter(Boolean).join(" · "));
  }
}

/** How a peer connection goes: `UDP, host`. */
async function pathOf(session) {
  const { localCandidate, protocol, relayProtocol, rttMs } = (await session.webrtcStats()) ?? {};
  if (!localCandidate) return undefined;
  return { words: `${(relayProtocol ?? protocol ?? "udp").toUpperCase()}, ${localCandidate}`, rttMs };
}
