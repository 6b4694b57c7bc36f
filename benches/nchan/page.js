// Runs in the page: hears a channel over a network that breaks, and tells what came of its messages.

import { Tally } from "/tally.js";

const query = new URL(location.href).searchParams;
const transport = query.get("transport");
const timing = JSON.parse(query.get("timing"));
const messages = Number(query.get("messages"));

/** What ends the run if nothing comes any more, in milliseconds. */
const PATIENCE = 15_000;

const tally = new Tally(messages);
const carried = {};
const errors = {};
const note = (counts, name) => (counts[name] = (counts[name] ?? 0) + 1);

const CLIENTS = {
  async throughline() {
    const { subscribe } = await import("/recipe.js");
    const session = subscribe("flood", { remember: false, timing, ...(transport !== "all" && { transports: [transport] }) });
    session.on("TICK", ({ n }) => tally.add(n), { kept: true });
    session.on("transport", ({ to }) => to && note(carried, to));
    session.on("error", ({ code }) => note(errors, code));
  },
  async nchan() {
    await import("/nchan.js");
    const subscriber = { websocket: "websocket", sse: "eventsource", "long-poll": "longpoll" }[transport];
    const subscription = new window.NchanSubscriber(`${location.origin}/events?channel=flood`, { subscriber, reconnectTimeout: timing.backoff[0] });
    subscription.on("message", (message) => tally.add(JSON.parse(message).n));
    subscription.on("connect", () => note(carried, transport));
    subscription.on("error", (error) => note(errors, String(error?.type ?? error)));
    subscription.start();
  },
  async bare() {
    const open = () => {
      const socket = new WebSocket(`${location.origin.replace("http", "ws")}/events?channel=flood`);
      socket.onopen = () => note(carried, transport);
      socket.onmessage = ({ data }) => tally.add(JSON.parse(data).n);
      socket.onclose = () => setTimeout(open, timing.backoff[0]);
    };
    open();
  },
};

async function run() {
  await CLIENTS[query.get("client")]();
  for (let since = performance.now(), count = -1; performance.now() - since < PATIENCE && tally.count < messages; ) {
    if (tally.count !== count) [count, since] = [tally.count, performance.now()];
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  // What comes late comes now.
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  return { ...tally.figures(), carried, errors };
}

const tell = (result) => fetch("/result", { method: "POST", body: JSON.stringify(result) });
try {
  await tell(await run());
} catch (error) {
  await tell({ error: String(error?.stack ?? error) });
}
