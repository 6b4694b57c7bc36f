// Programs that measurements need beside the browser: they end with this process.

import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";

/** The folder of the release build. */
export function built(name) {
  const server = process.env.THROUGHLINE_SERVER_BIN;
  if (!server) throw new Error("THROUGHLINE_SERVER_BIN is not set: run this by `cargo xtask`");
  return join(dirname(server), name);
}

/** Starts a program and resolves with it, and with what `pattern` finds in a line of its output. */
export async function startChild(program, args, pattern) {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"], env: { RUST_LOG: "warn", ...process.env } });
  const end = () => child.kill("SIGKILL");
  process.once("exit", end);
  child.once("exit", () => process.off("exit", end));
  const found = await new Promise((resolve, reject) => {
    createInterface(child.stdout).on("line", (line) => {
      const groups = pattern.exec(line);
      if (groups) resolve(groups.slice(1));
    });
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`${program} ended with ${code}`)));
  });
  return { child, found };
}
