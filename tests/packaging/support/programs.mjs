// The programs of an app: what ends by itself, and what serves until it is stopped.

import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { delimiter, join, resolve } from "node:path";

/** Milliseconds: of a program that ends by itself, of a server until it is ready, and of a program that was told to end. */
const LONGEST = 600_000;
const START = 180_000;
const END = 5_000;

/** Runs a program of an app to its end and resolves with what it told; rejects unless it ended well. */
export async function run(app, command, words = {}) {
  const child = start(app, command, words);
  const told = listen(child);
  const late = setTimeout(() => kill(child, "SIGKILL"), LONGEST);
  const { code, signal } = await ended(child);
  clearTimeout(late);
  if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code ?? signal}:\n${told.all()}`);
  return told;
}

/** Starts a server of an app and resolves, when a line of its output says that it is ready, with its port and what stops it. */
export async function serve(app, { command, ready }) {
  const port = await freePort();
  const child = start(app, command, { port });
  const told = listen(child);
  const over = ended(child);
  const end = () => kill(child, "SIGKILL");
  process.once("exit", end);
  over.then(() => process.off("exit", end));
  const stop = async () => {
    kill(child, "SIGTERM");
    const late = setTimeout(end, END);
    await over;
    clearTimeout(late);
    // What it started may have outlived it.
    end();
  };
  try {
    await new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`${command.join(" ")} is not ready:\n${told.all()}`)), START);
      const settle = (then, value) => {
        clearTimeout(late);
        then(value);
      };
      const look = () => ready.test(told.all()) && settle(resolve);
      child.stdout.on("data", look);
      child.stderr.on("data", look);
      over.then(({ code, signal }) => settle(reject, new Error(`${command.join(" ")} ended with ${code ?? signal}:\n${told.all()}`)));
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { port, told, stop };
}

function start(app, [program, ...args], words) {
  const fill = (word) => word.replace(/\{(\w+)\}/g, (_, name) => words[name]);
  const env = {
    ...process.env, CI: "1", NO_COLOR: "1", FORCE_COLOR: undefined, NODE_TEST_CONTEXT: undefined, BROWSER: "none", HOST: "127.0.0.1", PORT: words.port,
    PATH: [join(app, "node_modules/.bin"), process.env.PATH].join(delimiter),
  };
  // A group of its own: tools start further programs, which a signal to the first does not reach. Some serve as long as they can be written to.
  return spawn(program.includes("/") ? resolve(app, program) : program, args.map(fill), { cwd: app, env, stdio: ["pipe", "pipe", "pipe"], detached: true });
}

function listen(child) {
  const texts = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"]) child[name].setEncoding("utf8").on("data", (text) => (texts[name] += text));
  return {
    get stdout() {
      return texts.stdout;
    },
    get stderr() {
      return texts.stderr;
    },
    all: () => texts.stdout + texts.stderr,
  };
}

const ended = (child) =>
  new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal }));
  });

function kill(child, signal) {
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
