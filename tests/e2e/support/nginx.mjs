// nginx in the foreground, with a configuration of its own in a temporary folder and no path of the system's.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

const NGINX = "/usr/sbin/nginx";
const NCHAN = "/usr/lib/nginx/modules/ngx_nchan_module.so";

/** How often another port is tried where somebody took the one that was free. */
const TRIES = 3;

/** Whether nginx, or nchan, can run here. Where it cannot, says so as a skipped test. */
export function installed(...files) {
  const missing = { nginx: NGINX, nchan: NCHAN };
  const packages = { nginx: "nginx", nchan: "libnginx-mod-nchan" };
  const absent = files.filter((name) => !existsSync(missing[name]));
  const skip = `*** SKIPPED: ${absent} is not installed (apt-get install ${absent.map((name) => packages[name]).join(" ")}) ***`;
  if (absent.length) test(skip, { skip });
  return !absent.length;
}

/** The block of a document in this language: the first that `holds`. */
export async function block(document, language, holds = "") {
  const text = await readFile(new URL(`../../../docs/${document}`, import.meta.url), "utf8");
  const blocks = [...text.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, "gms"))].map(([, block]) => block);
  const found = blocks.find((block) => block.includes(holds));
  if (!found) throw new Error(`${document} has no ${language} with ${holds}`);
  return found;
}

/** Starts nginx with what `configure(port)` says within `http { … }`, and resolves once it accepts connections. */
export async function startNginx(configure, { nchan = false } = {}) {
  for (let tries = 1; ; tries++) {
    const port = await freePort();
    try {
      return await start(port, configure(port), nchan);
    } catch (error) {
      if (tries === TRIES || !/Address already in use/.test(error.message)) throw error;
    }
  }
}

async function start(port, http, nchan) {
  const folder = await mkdtemp(join(tmpdir(), "throughline-nginx-"));
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `  ${name}_temp_path ${name};\n`).join("");
  const head = `${nchan ? `load_module ${NCHAN};\n` : ""}daemon off;\nmaster_process off;\npid pid;\nevents {}\n`;
  await writeFile(join(folder, "nginx.conf"), `${head}http {\n  access_log off;\n${temporary}${http}}\n`);
  const child = spawn(NGINX, ["-p", folder, "-c", "nginx.conf", "-e", "stderr"], { stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  child.stderr.on("data", (chunk) => (log += chunk));
  const end = () => child.kill("SIGKILL");
  process.once("exit", end);
  let over = false;
  const ended = new Promise((resolve) => child.once("exit", resolve)).then(() => {
    over = true;
    process.off("exit", end);
    return rm(folder, { recursive: true, force: true });
  });
  while (!over && !(await accepts(port))) await sleep(10);
  if (over) throw new Error(`nginx ended:\n${log}`);
  return {
    url: `http://127.0.0.1:${port}`,
    log: () => log,
    stop() {
      child.kill("SIGKILL");
      return ended;
    },
  };
}

/** nginx cannot be given port 0. */
async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
