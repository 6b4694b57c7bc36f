import { connect } from "throughline";

onmessage = ({ data: { server, say } }) => {
  const session = connect({ url: `${server}/realtime` });
  session.on("ECHO", (text) => postMessage(text));
  session.send("ECHO", say);
};
