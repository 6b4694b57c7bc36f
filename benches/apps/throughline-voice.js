import { connect } from "throughline/voice";

export const first = (url, heard) => {
  const session = connect({ url, transports: ["websocket"] });
  session.on("ECHO", ({ i }) => heard(i));
  session.send("ECHO", { i: 1 });
};
