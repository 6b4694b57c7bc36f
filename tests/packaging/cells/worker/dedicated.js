// Import maps do not reach into workers.
import { connect } from "/node_modules/throughline/dist/throughline.js";

onmessage = ({ data: { server, say } }) => {
  const session = connect({ url: `${server}/realtime` });
  session.on("ECHO", (text) => postMessage(text));
  session.send("ECHO", say);
};
