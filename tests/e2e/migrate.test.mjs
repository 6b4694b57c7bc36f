// The ways from other libraries, word for word: each page's server and client talk in Node, and the client comes back when its server does.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { EventEmitter, once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";

import { build } from "esbuild";
import { WebSocket } from "ws";

import { freePort } from "./support/browsers.mjs";
import { shownFiles } from "./support/recipe.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** The port that the pages' servers listen on. */
const PORT = "3000";
/** How long their requests wait for an answer, and how long they may on a busy machine. */
const DEADLINE = ["5_000", "60_000"];

/** What each page's client shows of a line that was said as the nth since its server began. */
const PAGES = {
  "socket.io": (line, n) => `${n}: ${line}`,
  signalr: (line, n) => `${n}: ${line}`,
  "reconnecting-websocket": (line) => line,
  eventsource: (line) => line,
};

describe("the ways from other libraries", { timeout: 120_000 }, () => {
  let root;
  const names = ["WebSocket", "show", "getToken"];
  const had = names.map((name) => Object.getOwnPropertyDescriptor(globalThis, name));

  before(async () => {
    root = await mkdtemp(join(tmpdir(), "throughline-migrate-"));
    await mkdir(join(root, "node_modules"));
    await symlink(join(ROOT, "pkg"), join(root, "node_modules/throughline"));
    await symlink(join(ROOT, "node_modules/ws"), join(root, "node_modules/ws"));
    Object.assign(globalThis, { WebSocket, getToken: async () => "secret" });
  });
  after(async () => {
    for (const [i, name] of names.entries()) had[i] ? Object.defineProperty(globalThis, name, had[i]) : delete globalThis[name];
    await rm(root, { recursive: true, force: true });
  });

  for (const [page, shownAs] of Object.entries(PAGES)) {
    test(page, async () => {
      const [files, port] = await Promise.all([shownFiles(`docs/migrate/${page}.md`), freePort()]);
      assert.deepEqual(Object.keys(files).toSorted(), ["chat.ts", "server.mjs"]);
      const folder = join(root, page);
      await mkdir(folder);
      for (const [name, code] of Object.entries(files)) await writeFile(join(folder, name), code.replaceAll(PORT, port).replaceAll(...DEADLINE));
      const outfile = join(folder, "chat.mjs");
      await build({ entryPoints: [join(folder, "chat.ts")], bundle: true, format: "esm", outfile, logLevel: "error" });

      const screen = new Screen();
      globalThis.show = (text) => screen.show(text);
      let server = startServer(folder);
      const { say, leave } = await import(pathToFileURL(outfile).href);
      try {
        await screen.shows("connected");
        await say("hello");
        await screen.shows(shownAs("hello", 1));
        await server.stop();
        await screen.shows("reconnecting");
        const said = say("while it was away");
        server = startServer(folder);
        await screen.shows("connected", 2);
        await said;
        await screen.shows(shownAs("while it was away", 1));
        await leave();
        await screen.shows("closed");
      } finally {
        await leave();
        await server.stop();
      }
    });
  }
});

/** What a client shows. */
class Screen {
  #lines = [];
  #events = new EventEmitter();

  show(text) {
    this.#lines.push(text);
    this.#events.emit("line");
  }

  /** Waits until a line was shown so many times. */
  async shows(line, times = 1) {
    while (this.#lines.filter((shown) => shown === line).length < times) await once(this.#events, "line");
  }
}

/** Starts the page's server, which clients try until it listens. */
function startServer(folder) {
  const child = spawn(process.execPath, ["server.mjs"], { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
  const end = () => child.kill("SIGKILL");
  process.once("exit", end);
  const ended = once(child, "exit").finally(() => process.off("exit", end));
  return {
    async stop() {
      end();
      await ended;
    },
  };
}
