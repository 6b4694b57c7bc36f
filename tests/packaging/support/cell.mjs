// Runs a cell in one of its modes, and says what came of it.

import { randomUUID } from "node:crypto";
import { join } from "node:path";

import { serveFolder, startGateway } from "./gateway.mjs";
import { install } from "./install.mjs";
import { journey } from "./journey.mjs";
import { run, serve } from "./programs.mjs";
import { count, learn, readFolder, traced } from "./wasm.mjs";

/** Milliseconds until a page must have its echo: a server in development compiles it first. */
const PAGE = 120_000;
/** How a file of WebAssembly begins. */
const MAGIC = Buffer.from("\0asm");
/** How many of them a page asks for, by what it imports. */
const FETCHED = { text: 0, voice: 0, wasm: 1, "voice-wasm": 1, "no-wasm": 0, none: 0 };

/** Makes a cell's app anew and runs it in a mode: the lines to print, one for each page or program. */
export async function perform(cell, mode, world) {
  const name = `packaging.${cell.name}.${mode}`;
  const app = await install(cell, world.tarball);
  if (cell.runs) return [await program(name, app, cell.runs[mode], world)];
  const { command, output, start } = cell[mode];
  if (mode === "build" && command) await run(app, command);
  const origin = start || mode === "dev" ? await serve(app, start ?? cell.dev) : await serveFolder(join(app, output));
  // An origin of its own for each page, which finds in no cache what the page before it asked for.
  const at = async (visit) => {
    const gateway = await startGateway(origin.port);
    return visit(gateway).finally(gateway.stop);
  };
  try {
    const marks = await learn(app);
    const lines = [];
    for (const path of Object.keys(cell.pages)) lines.push(await at((gateway) => page(name + title(path), cell, path, mode, marks, gateway, world)));
    if (cell.journey) lines.push(await at((gateway) => journey(name, cell.journey, mode, app, gateway, world)));
    if (mode === "build" && command && output) lines.push(await whole(name, cell, marks, join(app, output), cell.build.copies));
    return lines;
  } finally {
    await origin.stop();
  }
}

/** What a page adds to the names of its lines: nothing where it is the first. */
const title = (path) => (path === "/" ? "" : `.${path.replace(/^\/|\/$|\.html$/g, "").replaceAll("/", "-")}`);

/** Opens a page and holds it to what its entry promises. */
async function page(name, { pages, journey }, path, mode, marks, gateway, { server, browser }) {
  const entry = pages[path];
  const say = randomUUID();
  await browser.open("about:blank");
  await browser.complaints();
  const before = await opened(server);
  const began = performance.now();
  await browser.open(`${gateway.url}${path}?${new URLSearchParams({ server: server.faulty, say })}`);
  const outcome = await browser.outcome(PAGE);
  const ms = Math.round(performance.now() - began);
  const sessions = (await opened(server)) - before;
  const complaints = await browser.complaints();
  await browser.open("about:blank");

  const seen = [...gateway.seen];
  const bodies = seen.filter(({ body }) => body).map(({ path, body }) => [path, body]);
  const wasm = seen.filter(({ body }) => body?.subarray(0, 4).equals(MAGIC)).length;
  const wrong = [];
  if (outcome !== say) wrong.push(`the outcome is ${outcome}, not ${say}`);
  if (entry !== "none" && !sessions) wrong.push("the server was not asked for a connection");
  if (complaints.length) wrong.push(...complaints);
  for (const { path, status } of seen) if (status >= 400) wrong.push(`${path}: ${status}`);
  if (wasm !== FETCHED[entry]) wrong.push(`${wasm} .wasm files asked for, not ${FETCHED[entry]}`);
  if (mode === "build") {
    const found = await count(marks, bodies);
    for (const [carried, times] of Object.entries(found)) {
      // An app with routes fetches the next ones' code ahead.
      const spare = journey && carried !== entry && Object.values(pages).includes(carried);
      const due = carried === entry || (spare && times) ? 1 : 0;
      if (times !== due) wrong.push(`the WebAssembly of ${carried} is there ${times} times, not ${due}`);
    }
    if (entry === "none") for (const path of traced(bodies)) wrong.push(`${path} has code of the package that nothing uses`);
  }
  const requests = seen.length;
  return { name, value: requests, unit: "requests", ok: !wrong.length, page: path, entry, requests, wasm, console: complaints.length, ms, ...(wrong.length && { wrong }) };
}

/** Holds what a build wrote to what its pages need, so that nothing is there twice that no page shows. Programs that cannot share code have `copies`. */
async function whole(name, { pages }, marks, folder, copies = 1) {
  const files = await readFolder(folder);
  const found = await count(marks, files);
  const entries = Object.values(pages);
  const wrong = Object.entries(found).filter(([entry, times]) => times !== (entries.includes(entry) ? copies : 0)).map(([entry, times]) => `the WebAssembly of ${entry} is there ${times} times`);
  return { name: `${name}.output`, value: files.length, unit: "files", ok: !wrong.length, found, ...(wrong.length && { wrong }) };
}

/** Runs a program and holds it to its echo, its silence and its end. */
async function program(name, app, command, { server }) {
  const say = randomUUID();
  const before = await opened(server);
  const began = performance.now();
  const wrong = [];
  let told = { stdout: "", stderr: "" };
  try {
    told = await run(app, command, { server: server.faulty, say });
  } catch (error) {
    wrong.push(error.message);
  }
  const ms = Math.round(performance.now() - began);
  const requests = (await opened(server)) - before;
  if (told.stdout.trimEnd().split("\n").at(-1) !== say) wrong.push(`it says ${JSON.stringify(told.stdout)}, not ${say}`);
  if (told.stderr) wrong.push(told.stderr);
  return { name, value: requests, unit: "requests", ok: !wrong.length, requests, console: told.stderr ? 1 : 0, ms, ...(wrong.length && { wrong }) };
}

/** Connections that the server was asked for so far. */
async function opened(server) {
  const classes = Object.values(await server.connections());
  return classes.reduce((sum, { opened = 0 }) => sum + opened, 0);
}
