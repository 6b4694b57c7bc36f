// Runs in the page: floods and echoes, contender after contender in each round.

import { connect } from "/throughline.js";

const { searchParams } = new URL(location.href);
const server = searchParams.get("server");
const [socketUrl, bareUrl] = [server, searchParams.get("bare")].map((url) => url.replace(/^http/, "ws"));
const rounds = Number(searchParams.get("rounds"));

/** With a number of five digits, 100 bytes of JSON. */
const SIZE = 80;
const PAD = "x".repeat(SIZE);
const PER_UNIT = 256;
const SINGLE = 20_000;
const BATCHED = 200_000;
const ECHOES = 200;
/** Echoes before the clock runs: by then the engine has compiled both ways. */
const WARM = 1_000;
/** Sends at a time, each batch awaited before the next. */
const BATCH = 500;
const AWAITED = 10;

let expected = 0;
let awaited = 0;
let arrived;

/** The application's own handler, the same for all. */
function heard({ i }) {
  if (i !== expected) throw new Error(`message ${i} came in place of ${expected}`);
  if (++expected === awaited) arrived();
}
const handlers = new Map([["FLOOD_ITEM", heard]]);
const dispatch = (message) => handlers.get(message.type)?.(message);

async function socket(url, onmessage) {
  const opened = new WebSocket(url);
  await new Promise((resolve, reject) => ([opened.onopen, opened.onerror] = [resolve, reject]));
  opened.onmessage = onmessage;
  return opened;
}

async function session(path, options) {
  const opened = connect({ url: server + path, transports: ["websocket"], remember: false, ...options });
  opened.on("error", (error) => tell({ error: `${path}: ${error.message}` }));
  await new Promise((resolve) => opened.on("state", ({ to }) => to === "connected" && resolve()));
  return opened;
}

async function bareFlood(flood, onmessage) {
  const opened = await socket(bareUrl, onmessage);
  return () => opened.send(JSON.stringify({ type: "FLOOD", ...flood }));
}

async function ourFlood(flood, path = "/realtime", options = {}) {
  const opened = await session(path, options);
  opened.on("FLOOD_ITEM", heard);
  return () => opened.send("FLOOD", flood);
}

/** Messages, messages to a unit, and what asks for a flood of them. */
const DOWN = {
  bare: [SINGLE, 1, (flood) => bareFlood(flood, ({ data }) => dispatch(JSON.parse(data)))],
  batched: [BATCHED, PER_UNIT, (flood) => bareFlood(flood, ({ data }) => JSON.parse(data).forEach(dispatch))],
  throughline: [BATCHED, PER_UNIT, (flood) => ourFlood(flood)],
  "throughline-singly": [SINGLE, 1, (flood) => ourFlood(flood)],
  json: [SINGLE, 1, (flood) => ourFlood(flood, "/json", { dialect: "json" })],
};

/** Each sends messages and resolves once the server has counted them. */
const UP = {
  async bare() {
    let counted;
    const opened = await socket(bareUrl, ({ data }) => counted(JSON.parse(data).count));
    return async (from) => {
      const answer = new Promise((resolve) => (counted = resolve));
      for (let i = from; i < from + SINGLE; i++) opened.send(JSON.stringify({ type: "COUNT_ME", i, pad: PAD }));
      opened.send(JSON.stringify({ type: "COUNTED" }));
      return answer;
    };
  },
  async throughline() {
    const opened = await session("/realtime");
    return async (from) => {
      for (let i = from; i < from + SINGLE; ) {
        const batch = [];
        for (const end = i + BATCH; i < end; i++) batch.push(opened.send("COUNT_ME", { i, pad: PAD }));
        await Promise.all(batch);
      }
      return (await opened.request("COUNTED")).count;
    };
  },
};

/** Runs the contenders in turns, another one first each time, and gathers each one's figures by round. */
async function inTurns(contenders) {
  const running = Object.entries(contenders).map(([name, measure]) => ({ name, measure, rates: [] }));
  for (let turn = -1; turn < rounds; turn++) {
    for (const { measure, rates } of running) {
      const rate = await measure();
      if (turn >= 0) rates.push(rate);
    }
    running.push(running.shift());
  }
  return Object.fromEntries(Object.keys(contenders).map((name) => [name, running.find((it) => it.name === name).rates]));
}

async function down() {
  const contenders = {};
  for (const [name, [count, perUnit, start]] of Object.entries(DOWN)) {
    const ask = await start({ count, size: SIZE, perUnit });
    contenders[name] = async () => {
      [expected, awaited] = [0, count];
      const all = new Promise((resolve) => (arrived = resolve));
      const start = performance.now();
      ask();
      await all;
      return (count * 1_000) / (performance.now() - start);
    };
  }
  return inTurns(contenders);
}

async function up() {
  const contenders = {};
  for (const [name, start] of Object.entries(UP)) {
    const send = await start();
    let sent = 0;
    contenders[name] = async () => {
      const start = performance.now();
      const counted = await send(sent);
      sent += SINGLE;
      if (counted !== sent) throw new Error(`${name}: the server has ${counted} of ${sent}`);
      return (SINGLE * 1_000) / (performance.now() - start);
    };
  }
  const rates = await inTurns(contenders);
  return { ...rates, "throughline-awaited": [await oneByOne()] };
}

/** Each send awaited before the next: a round trip and the server's patience with its acks. */
async function oneByOne() {
  const opened = await session("/realtime");
  const start = performance.now();
  for (let i = 0; i < AWAITED; i++) await opened.send("COUNT_ME", { i, pad: PAD });
  return (AWAITED * 1_000) / (performance.now() - start);
}

/** Milliseconds from a send to the handler of its echo, one contender after the other: each finds its link idle. */
async function latency() {
  let echoed;
  const plain = await socket(`${socketUrl}/json`, ({ data }) => {
    const message = JSON.parse(data);
    if (message.type === "ECHO") echoed(message);
  });
  const opened = await session("/realtime");
  opened.on("ECHO", (payload) => echoed(payload));
  const contenders = {
    bare: (i) => plain.send(JSON.stringify({ type: "ECHO", i, pad: PAD })),
    throughline: (i) => opened.send("ECHO", { i, pad: PAD }),
  };
  const spans = { bare: [], throughline: [] };
  for (let i = -WARM; i < ECHOES * rounds; i++) {
    const turns = Object.entries(contenders);
    for (const [name, ask] of i % 2 ? turns : turns.reverse()) {
      const span = await new Promise((resolve, reject) => {
        echoed = (message) => (message.i === i ? resolve(performance.now() - start) : reject(new Error(`${name} echoed ${message.i} in place of ${i}`)));
        const start = performance.now();
        ask(i);
      });
      if (i >= 0) spans[name].push(span);
    }
  }
  return spans;
}

const tell = (result) => fetch("/result", { method: "POST", body: JSON.stringify(result) });
addEventListener("error", ({ message }) => tell({ error: message }));
try {
  await tell({ latency: await latency(), down: await down(), up: await up() });
} catch (error) {
  await tell({ error: String(error?.stack ?? error) });
}
