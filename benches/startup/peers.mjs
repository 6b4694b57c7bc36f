// Servers for the peers' clients: socket.io's own, and for the others as much of their protocols over `ws` as it takes to connect and
// to give back one message. Tells where each is as JSON, by name.

import { createServer } from "node:http";
import { Server } from "socket.io";
import { WebSocketServer } from "ws";

const RECORD_END = "\x1e";

/** By client: what becomes of a text that came. */
const PROTOCOLS = {
  plain: (text, send) => send(text),

  centrifuge(text, send) {
    for (const line of text.split("\n")) {
      const { id, connect, rpc } = JSON.parse(line);
      if (connect) send(JSON.stringify({ id, connect: { client: crypto.randomUUID(), version: "0", ping: 25, pong: true } }));
      if (rpc) send(JSON.stringify({ id, rpc: { data: rpc.data } }));
    }
  },

  signalr(text, send) {
    for (const record of text.split(RECORD_END).filter(Boolean)) {
      const { protocol } = JSON.parse(record);
      send((protocol ? "{}" : record) + RECORD_END);
    }
  },

  /** Its channel speaks first, as soon as it is attached. */
  ably(text, send) {
    const { action, channel } = JSON.parse(text);
    if (action !== ABLY.attach) return;
    send(JSON.stringify({ action: ABLY.attached, channel, flags: ABLY.mayAll }));
    send(JSON.stringify({ action: ABLY.message, channel, id: crypto.randomUUID(), timestamp: Date.now(), messages: [{ name: "ECHO", data: '{"i":1}', encoding: "json" }] }));
  },
};

/** Its actions, and the modes of a channel: presence, publish, subscribe. */
const ABLY = { connected: 4, attach: 10, attached: 11, message: 15, mayAll: (1 << 16) | (1 << 17) | (1 << 18) };

const GREETINGS = {
  ably() {
    const connectionDetails = { connectionKey: crypto.randomUUID(), maxMessageSize: 65_536, maxInboundRate: 1_000, connectionStateTtl: 120_000, maxIdleInterval: 15_000 };
    return JSON.stringify({ action: ABLY.connected, connectionId: crypto.randomUUID(), connectionDetails });
  },
};

const found = {};
const listen = async (name, scheme = "ws") => {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  found[name] = `${scheme}://127.0.0.1:${server.address().port}`;
  return server;
};

for (const [name, answer] of Object.entries(PROTOCOLS)) {
  new WebSocketServer({ server: await listen(name, name === "signalr" ? "http" : "ws") }).on("connection", (socket) => {
    const send = (text) => socket.send(text);
    if (GREETINGS[name]) send(GREETINGS[name]());
    socket.on("message", (data) => answer(data.toString(), send));
  });
}
new Server(await listen("socket.io"), { cors: { origin: "*" } }).on("connection", (socket) => {
  socket.on("ECHO", (message) => socket.emit("ECHO", message));
});
console.log(`listening on ${JSON.stringify(found)}`);
