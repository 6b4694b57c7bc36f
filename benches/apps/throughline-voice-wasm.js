import { connect } from "throughline/voice/wasm";

export const first = (url, heard) => {
  const session = connect({ url, transports: ["websocket"], wasm: "/voice.wasm" });
  session.on("ECHO", ({ i }) => heard(i));
  session.send("ECHO", { i: 1 });
};
