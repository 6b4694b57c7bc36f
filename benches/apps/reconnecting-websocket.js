import ReconnectingWebSocket from "reconnecting-websocket";

export const first = (url, heard) => {
  const socket = new ReconnectingWebSocket(url);
  socket.addEventListener("message", ({ data }) => heard(JSON.parse(data).i));
  socket.send(JSON.stringify({ type: "ECHO", i: 1 }));
};
