import { WebSocket } from "partysocket";

export const first = (url, heard) => {
  const socket = new WebSocket(url);
  socket.addEventListener("message", ({ data }) => heard(JSON.parse(data).i));
  socket.send(JSON.stringify({ type: "ECHO", i: 1 }));
};
