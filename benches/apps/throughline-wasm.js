import { connect } from "throughline/wasm";

export const first = (url, heard) => {
  const session = connect({ url, wasm: "/throughline.wasm" });
  session.on("ECHO", ({ i }) => heard(i));
  session.send("ECHO", { i: 1 });
};
