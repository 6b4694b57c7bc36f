import { io } from "socket.io-client";

export const first = (url, heard) => {
  const socket = io(url, { transports: ["websocket"] });
  socket.on("ECHO", ({ i }) => heard(i));
  socket.emit("ECHO", { i: 1 });
};
