// A browser's processes, stopped and let go on: sleep as the system gives it.

import { readFile, readdir } from "node:fs/promises";

/** What runs a page's scripts, by browser. */
const RENDERERS = { chromium: /--type=renderer/, firefox: /-contentproc.* tab$/, webkit: /WebKitWebProcess/ };
/** A whole browser: what draws, what runs pages, what keeps its sockets; not the driver. */
const BROWSERS = { chromium: /chromium/, firefox: /firefox/, webkit: /MiniBrowser|WebKit\w+Process/ };
const DRIVERS = /chromedriver|geckodriver|WebKitWebDriver|xvfb|Xvfb/;

/** Stops the processes that run a browser's pages, or all of it with `whole`, while `meanwhile` runs. */
export async function stopped(name, whole, meanwhile) {
  const pattern = (whole ? BROWSERS : RENDERERS)[name];
  const found = (await descendants()).filter(({ command }) => pattern.test(command) && !DRIVERS.test(command));
  const signal = (which) => found.forEach(({ pid }) => process.kill(pid, which));
  if (!found.length) throw new Error(`no process of ${name} was found`);
  signal("SIGSTOP");
  try {
    await meanwhile();
  } finally {
    signal("SIGCONT");
  }
}

/** The processes that came of this one. */
async function descendants() {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const all = (await Promise.all(pids.map(read))).filter(Boolean);
  const found = new Set([process.pid]);
  // A child may be listed before its parent.
  for (let before = 0; before < found.size; ) {
    before = found.size;
    for (const { pid, parent } of all) if (found.has(parent)) found.add(pid);
  }
  return all.filter(({ pid }) => found.has(pid) && pid !== process.pid);
}

async function read(pid) {
  try {
    const [stat, cmdline] = await Promise.all([readFile(`/proc/${pid}/stat`, "utf8"), readFile(`/proc/${pid}/cmdline`, "utf8")]);
    // The name in parentheses may hold anything.
    const [, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { pid: Number(pid), parent: Number(parent), command: cmdline.replaceAll("\0", " ").trim() };
  } catch {
    return undefined;
  }
}
