// A socket.io server at its best: connection-state recovery, acknowledgements, and what recovery could not bring is sent
// again from the offset that the client names, as socket.io's own guide to delivery guarantees says.

import { createServer } from "node:http";
import { Server } from "socket.io";

import { Tally } from "./tally.js";

const server = createServer();
const io = new Server(server, {
  connectionStateRecovery: { maxDisconnectionDuration: 120_000 },
  pingInterval: 1_000,
  pingTimeout: 1_500,
  cors: { origin: "*" },
});
const [messages] = process.argv.slice(2).map(Number);
const up = new Tally(messages);
/** What was sent down so far. */
const log = [];
let flooding = false;

io.on("connection", (socket) => {
  if (!socket.recovered) for (const item of log.slice(socket.handshake.auth.serverOffset)) socket.emit("FLOOD_ITEM", item);
  socket.on("COUNT_ME", ({ i }, done) => {
    up.add(i);
    done();
  });
  socket.on("FLOOD", (asked, done) => {
    done();
    if (!flooding) flood(asked);
    flooding = true;
  });
  socket.on("COUNTED", (_, done) => done(up.figures()));
});

function flood({ count, size, perUnit, every }) {
  const pad = "x".repeat(size);
  const ticking = setInterval(() => {
    for (let k = 0; k < perUnit && log.length < count; k++) {
      const item = { i: log.length, pad };
      log.push(item);
      io.emit("FLOOD_ITEM", item);
    }
    if (log.length === count) clearInterval(ticking);
  }, every);
}

server.listen(0, "127.0.0.1", () => console.log(`socket.io listening on http://127.0.0.1:${server.address().port}`));
