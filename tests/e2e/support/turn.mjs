// A TURN server of our own: coturn on a free port of this machine, until it is stopped.

import { spawn } from "node:child_process";
import { createHmac, randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const PROGRAM = process.env.TURNSERVER ?? "/usr/bin/turnserver";
const SECRET = "north";
const LIFE = 3_600;

/** Whether there is a TURN server to start. */
export const hasTurn = existsSync(PROGRAM);

/**
 * Starts a TURN server. `url` and `secret` are for the server's `--turn` and `--turn-secret`; `iceServers(transport)` are good
 * credentials for a page, over "udp" or "tcp"; `wrongIceServers(transport)` are ones that it refuses.
 */
export async function startTurn() {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "throughline-turn-"));
  const child = spawn(PROGRAM, [
    "-n", "--no-cli", "--no-tls", "--no-dtls", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", `--listening-port=${port}`,
    "--min-port=50000", "--max-port=50100", "--use-auth-secret", `--static-auth-secret=${SECRET}`, "--realm=throughline",
    "--allow-loopback-peers", `--pidfile=${join(folder, "pid")}`, `--userdb=${join(folder, "db")}`, "--log-file=stdout", "--simple-log",
  ], { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  const say = (text) => (said += text);
  child.stdout.on("data", say);
  child.stderr.on("data", say);
  const exited = once(child, "exit");
  const over = exited.then(([code]) => Promise.reject(new Error(`turnserver ended with ${code}:\n${said}`)));
  over.catch(() => {});
  await Promise.race([Promise.all([answersUdp(port), answersTcp(port)]), over]);
  const url = (transport) => `turn:127.0.0.1:${port}?transport=${transport}`;
  const servers = (transport, secret) => {
    const username = `${Math.floor(Date.now() / 1_000) + LIFE}:guest`;
    const credential = createHmac("sha1", secret).update(username).digest("base64");
    return [{ urls: [url(transport)], username, credential }];
  };
  return {
    url,
    secret: SECRET,
    iceServers: (transport = "udp") => servers(transport, SECRET),
    wrongIceServers: (transport = "udp") => servers(transport, "south"),
    async stop() {
      child.kill();
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Waits until a STUN binding request is answered: the server's own output is held back while it goes to a pipe. */
async function answersUdp(port) {
  const socket = createSocket("udp4");
  const request = Buffer.concat([Buffer.from([0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42]), randomBytes(12)]);
  const asking = setInterval(() => socket.send(request, port, "127.0.0.1"), 50);
  socket.on("error", () => {});
  await once(socket, "message");
  clearInterval(asking);
  socket.close();
}

async function answersTcp(port) {
  for (;;) {
    const socket = connect(port, "127.0.0.1");
    const open = await once(socket, "connect").then(() => true, () => false);
    socket.destroy();
    if (open) return;
    await sleep(50);
  }
}

/** A port that is free for TCP and UDP. */
async function freePort() {
  for (;;) {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address();
    const socket = createSocket("udp4");
    const bound = await new Promise((resolve) => {
      socket.once("error", () => resolve(false));
      socket.bind(port, "127.0.0.1", () => resolve(true));
    });
    if (bound) await new Promise((resolve) => socket.close(resolve));
    await new Promise((resolve) => server.close(resolve));
    if (bound) return port;
  }
}
