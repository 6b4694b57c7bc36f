// Runs in the page: numbered messages both ways at once over a network that breaks, and what came of them.

import { Tally } from "/tally.js";

const query = new URL(location.href).searchParams;
const messages = Number(query.get("messages"));
const perUnit = Number(query.get("perUnit"));
const every = Number(query.get("every"));
const PAD = "x".repeat(80);

/** Most sends under way, as an application that minds its memory bounds them. */
const UNDER_WAY = 500;

/** What ends the run if nothing comes any more, in milliseconds. */
const PATIENCE = 30_000;

const down = new Tally(messages);
const switches = {};
const errors = {};
let carried = null;
let failed = 0;

/** Each opens a connection and says how to send one message, ask for the flood down, and ask for the count of the way up. */
const CONTENDERS = {
  async throughline() {
    const { connect } = await import("/throughline.js");
    const session = connect({
      url: query.get("url") + "/realtime",
      remember: false,
      timing: JSON.parse(query.get("timing")),
    });
    session.on("error", ({ code }) => (errors[code] = (errors[code] ?? 0) + 1));
    session.on("gap", () => (errors.gap = (errors.gap ?? 0) + 1));
    session.on("transport", ({ to }) => to && note(to));
    session.on("FLOOD_ITEM", ({ i }) => down.add(i));
    return {
      send: (message) => session.send("COUNT_ME", message),
      flood: (flood) => session.send("FLOOD", flood),
      counted: () => session.request("COUNTED", {}, { timeout: 5_000 }),
    };
  },
  async "socket-io"() {
    const { io } = await import("/socket.io.js");
    let offset = 0;
    const socket = io(query.get("url"), {
      transports: ["websocket", "polling"],
      tryAllTransports: true,
      retries: 1_000,
      ackTimeout: 2_000,
      timeout: 3_000,
      reconnectionDelay: 200,
      reconnectionDelayMax: 200,
      auth: (use) => use({ serverOffset: offset }),
    });
    socket.on("connect", () => {
      note(socket.io.engine.transport.name);
      socket.io.engine.on("upgrade", ({ name }) => note(name));
      errors[socket.recovered ? "recovered" : "new"] = (errors[socket.recovered ? "recovered" : "new"] ?? 0) + 1;
    });
    socket.on("FLOOD_ITEM", ({ i }) => {
      down.add(i);
      offset = Math.max(offset, i + 1);
    });
    const ask = (name, payload) => new Promise((resolve, reject) => {
      socket.emit(name, payload, (error, answer) => (error ? reject(error) : resolve(answer)));
    });
    return {
      send: (message) => ask("COUNT_ME", message),
      flood: (flood) => ask("FLOOD", flood),
      counted: () => ask("COUNTED", {}),
    };
  },
};

/** A transport carries the connection: `from→to` where it is another than before. */
function note(to) {
  if (carried && carried !== to) {
    const key = `${carried}→${to}`;
    switches[key] = (switches[key] ?? 0) + 1;
  }
  carried = to;
}

async function run() {
  const start = performance.now();
  const connection = await CONTENDERS[query.get("contender")]();
  connection.flood({ count: messages, size: PAD.length, perUnit, every });
  let sent = 0;
  let settled = 0;
  let progress = 0;
  let since = performance.now();
  const tick = () => {
    for (let i = 0; i < perUnit && sent < messages && sent - settled < UNDER_WAY; i++) {
      connection.send({ i: sent++, pad: PAD }).catch((error) => {
        failed++;
        errors[error.code ?? error.message] = (errors[error.code ?? error.message] ?? 0) + 1;
      }).finally(() => settled++);
    }
    if (settled + down.count !== progress) [progress, since] = [settled + down.count, performance.now()];
  };
  const ticking = setInterval(tick, every);
  while (settled + down.count < 2 * messages && performance.now() - since < PATIENCE) await new Promise((resolve) => setTimeout(resolve, 50));
  clearInterval(ticking);
  const seconds = (performance.now() - start) / 1_000;
  let up;
  while (!up) up = await connection.counted().catch(() => undefined);
  // What comes late comes now.
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  return { up, down: down.figures(), sent, failed, switches, errors, seconds };
}

const tell = (result) => fetch("/result", { method: "POST", body: JSON.stringify(result) });
try {
  await tell(await run());
} catch (error) {
  await tell({ error: String(error?.stack ?? error) });
}
