import { connect } from "throughline";

onconnect = ({ ports: [port] }) => {
  port.onmessage = ({ data: { server, say } }) => {
    const session = connect({ url: `${server}/realtime` });
    session.on("ECHO", (text) => port.postMessage(text));
    session.send("ECHO", say);
  };
};
