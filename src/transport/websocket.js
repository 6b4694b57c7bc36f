// WebSocket (RFC 6455, WHATWG WebSockets): one socket, both ways.

import { CLOSED, LOST, OPENED, REFUSED } from "../../pkg/js/core.js";
import { causeOf, pack, receive } from "./unit.js";

/** Characters gathered in a unit before it is written. */
const UNIT_LENGTH = 1 << 16;

export function openWebSocket(host, attempt) {
  let socket;
  let closed = false;
  /** What the rest of the task sends goes out as one unit at its end. */
  let gathered;
  let length = 0;
  const write = (unit) => {
    for (const item of pack(unit, host.token)) socket.send(item.raw ?? item);
  };
  const flush = () => {
    const unit = gathered;
    gathered = undefined;
    if (unit?.length && !closed) write(unit);
  };
  host.address(attempt, "websocket", (address) => {
    if (closed) return;
    address = address.replace(/^http/, "ws");
    try {
      socket = new WebSocket(address);
    } catch (error) {
      return host.ended(attempt, causeOf(error));
    }
    let opened = false;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      opened = true;
      host.tell(OPENED, attempt);
    };
    socket.onmessage = (event) => receive(host, attempt, event.data);
    // What its policy forbids, Chromium tells by an error alone; after one that was open, a close follows.
    socket.onerror = () => opened || host.refused(attempt, address, REFUSED);
    socket.onclose = ({ code }) => {
      const abnormal = code === 1005 || code === 1006;
      if (opened) host.ended(attempt, abnormal ? LOST : CLOSED, abnormal ? 0 : code);
    };
  });
  return {
    send(unit) {
      if (!gathered) {
        write(unit);
        gathered = [];
        length = 0;
        queueMicrotask(flush);
        return;
      }
      gathered.push(...unit);
      for (const item of unit) length += item.length ?? item.bytes?.length ?? 0;
      if (length > UNIT_LENGTH) {
        write(gathered.splice(0));
        length = 0;
      }
    },
    close() {
      flush();
      closed = true;
      if (socket) {
        socket.onopen = socket.onmessage = socket.onerror = socket.onclose = null;
        socket.close(1000);
      }
    },
  };
}
