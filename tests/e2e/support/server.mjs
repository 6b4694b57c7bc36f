// The reference server as a child process, and the switchboard of its fault proxy.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

const START_TIMEOUT = 20_000;

/** Starts a server with its demo apps and a fault proxy; `more` are further arguments, `log` is what its log tells. */
export async function startServer({ port = 0, faultsPort = 0, more = [], log: level } = {}) {
  const program = process.env.THROUGHLINE_SERVER_BIN;
  if (!program) throw new Error("THROUGHLINE_SERVER_BIN is not set: run this by `cargo xtask`");
  const args = ["--listen", `127.0.0.1:${port}`, "--demo", "--faults", `127.0.0.1:${faultsPort}`, "--script-delay-scale", "0.1", ...more];
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], env: level ? { ...process.env, RUST_LOG: level } : process.env });
  const log = [];
  const keep = (line) => log.push(line) > 200_000 && log.shift();
  createInterface(child.stderr).on("line", keep);
  const ended = new Promise((resolve) => child.once("exit", (code, signal) => resolve({ code, signal })));
  const addresses = new Promise((resolve, reject) => {
    const found = {};
    createInterface(child.stdout).on("line", (line) => {
      keep(line);
      const [, which, address] = /^throughline-server (listening|faults) on (http:\S+)$/.exec(line) ?? [];
      if (which) found[which] = address;
      if (found.listening && found.faults) resolve(found);
    });
    ended.then(({ code }) => reject(new Error(`the server ended with ${code}:\n${log.join("\n")}`)));
    globalThis.setTimeout(() => reject(new Error(`the server did not say where it listens:\n${log.join("\n")}`)), START_TIMEOUT).unref();
  });
  const stop = (signal = "SIGKILL") => {
    child.kill(signal);
    return ended;
  };
  const end = () => child.kill("SIGKILL");
  process.once("exit", end);
  ended.then(() => process.off("exit", end));
  const { listening, faults } = await addresses;
  return new Server(listening, faults, stop, ended, log);
}

class Server {
  constructor(url, faulty, stop, ended, log) {
    Object.assign(this, { url, faulty, stop, ended, log });
  }

  /** Puts these faults in force in place of all others. */
  async faults(...rules) {
    await this.#control("PUT", "/faults", { rules });
  }

  /** Resets the live connections of these classes. */
  async cut(...on) {
    return (await this.#control("POST", "/faults/cut", { on })).cut;
  }

  /** Requests by class: opened since the start, and live. */
  connections() {
    return this.#control("GET", "/connections");
  }

  /** Waits until the connections are as `holds` wants them. */
  async until(holds) {
    for (let tries = 0; !holds(await this.connections()); tries++) {
      if (tries === 200) throw new Error(`never: ${holds}, but ${JSON.stringify(await this.connections())}`);
      await sleep(25);
    }
  }

  /** Publishes numbered comments to a show until it is stopped, which resolves with their number. */
  publish(show) {
    let number = 0;
    let on = true;
    const done = (async () => {
      for (; on; number++) {
        const response = await fetch(`${this.url}/api/debug/emit-comment`, {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ showId: show, text: String(number) }),
        });
        const { delivered } = await response.json();
        if (delivered !== 1) throw new Error(`comment ${number} had ${delivered} viewers`);
        await sleep(30);
      }
      return number;
    })();
    return {
      stop() {
        on = false;
        return done;
      },
    };
  }

  /** A token of its own for a subject. */
  async mint(subject, lifeMs) {
    const response = await fetch(`${this.url}/api/token`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ subject, lifeMs }),
    });
    return (await response.json()).token;
  }

  faultLog() {
    return this.#control("GET", "/log");
  }

  get port() {
    return Number(new URL(this.url).port);
  }

  get faultsPort() {
    return Number(new URL(this.faulty).port);
  }

  async #control(method, path, body) {
    const response = await fetch(`${this.url}/faults${path}`, { method, body: body && JSON.stringify(body) });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }
}
