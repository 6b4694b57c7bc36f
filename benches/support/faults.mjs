// A network that breaks at random, the same way again for the same seed: a fault proxy and what is done to it.

import { setTimeout as sleep } from "node:timers/promises";

import { built, startChild } from "./child.mjs";

const REALTIME = ["websocket", "sse", "poll", "post"];

/** What a WebSocket meets while another transport has to carry the session. */
const NO_WEBSOCKET = [{ kind: "refuse403" }, { kind: "rst" }, { kind: "hang" }, { kind: "swallow" }, { kind: "flap", ms: 100, pass: true }];

/** Puts a fault proxy in front of `upstream` (`host:port`); a plain GET below `path` is a poll. */
export async function startProxy(upstream, path) {
  const args = ["--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--upstream", upstream, "--path", path];
  const { child, found } = await startChild(built("fault-proxy"), args, /^fault-proxy: (http:\S+) -> \S+ control (http:\S+)\/faults$/);
  const [url, control] = found;
  return new Proxy(child, url, control);
}

class Proxy {
  #resting = false;

  constructor(child, url, control) {
    Object.assign(this, { child, url, control });
  }

  /**
   * Breaks the network `count` times, or until it may rest, with pauses of 0.1 to 0.4 s and, once in four times, of 1.2 to 2.4 s, in which a better transport can prove
   * itself. Resolves with how often it did what:
   *
   * - `cut`: every live connection is reset;
   * - `swap`: for 0.6 to 1.6 s no WebSocket works, in one of five ways, and half of the time no event stream either; what is live is reset;
   * - `stall`: for 0.1 to 1 s no byte moves and no connection is accepted.
   */
  async shake(seed, count) {
    const random = generator(seed);
    const between = (low, high) => Math.round(low + random() * (high - low));
    const done = { cut: 0, swap: 0, stall: 0 };
    for (let i = 0; i < count && !this.#resting; i++) {
      await sleep(random() < 0.75 ? between(100, 400) : between(1_200, 2_400));
      const dice = random();
      if (dice < 0.5) {
        done.cut++;
        await this.cut();
      } else if (dice < 0.75) {
        done.swap++;
        const rules = [NO_WEBSOCKET[between(0, NO_WEBSOCKET.length - 1)]];
        if (random() < 0.5) rules.push({ kind: "rst", on: ["sse"] });
        await this.faults(...rules);
        await this.cut();
        await sleep(between(600, 1_600));
        await this.faults();
      } else {
        done.stall++;
        this.child.kill("SIGSTOP");
        await sleep(between(100, 1_000));
        this.child.kill("SIGCONT");
      }
    }
    return done;
  }

  /** Breaks nothing more. */
  rest() {
    this.#resting = true;
  }

  /** Puts these faults in force in place of all others. */
  faults(...rules) {
    return this.#tell("PUT", "/faults", { rules });
  }

  /** Resets every live connection; resolves with how many there were. */
  async cut() {
    return (await this.#tell("POST", "/faults/cut", { on: REALTIME })).cut;
  }

  stop() {
    this.child.removeAllListeners("exit");
    this.child.kill("SIGKILL");
  }

  async #tell(method, path, body) {
    const response = await fetch(this.control + path, { method, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }
}

/** Numbers from 0 to 1 by a seed of 32 bits (mulberry32). */
export function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
