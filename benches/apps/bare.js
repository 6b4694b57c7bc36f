export const first = (url, heard) => {
  const socket = new WebSocket(url);
  socket.onopen = () => socket.send(JSON.stringify({ type: "ECHO", i: 1 }));
  socket.onmessage = ({ data }) => heard(JSON.parse(data).i);
};
