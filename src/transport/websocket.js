// WebSocket (RFC 6455, WHATWG WebSockets): one socket, both ways.

import { CLOSED, LOST, REFUSED } from "../../pkg/js/core.js";
import { causeOf, gatherer, pack, receive } from "./unit.js";

/** Characters gathered in a unit before it is written. */
const UNIT_LENGTH = 1 << 16;

export function openWebSocket(host, attempt) {
  let socket;
  let closed = false;
  const { send, flush } = gatherer((unit) => {
    if (!closed) for (const item of pack(unit, host.token)) socket.send(item.raw ? host.json.textOf(item, attempt) : item);
  }, UNIT_LENGTH);
  host.locate(attempt, "websocket", (address) => {
    if (closed) return;
    address = address.replace(/^http/, "ws");
    try {
      socket = new WebSocket(address, host.json?.options.protocols);
    } catch (error) {
      return host.ended(attempt, causeOf(error));
    }
    let opened = false;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      opened = true;
      host.opened(attempt);
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
    send,
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
