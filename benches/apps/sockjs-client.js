import SockJS from "sockjs-client";

export const first = (url, heard) => {
  const socket = new SockJS(url, null, { transports: ["websocket"] });
  socket.onopen = () => socket.send(JSON.stringify({ type: "ECHO", i: 1 }));
  socket.onmessage = ({ data }) => heard(JSON.parse(data).i);
};
