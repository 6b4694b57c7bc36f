import { connect } from "throughline/no-wasm";

export const first = (url, heard) => {
  const session = connect({ url });
  session.on("ECHO", ({ i }) => heard(i));
  session.send("ECHO", { i: 1 });
};
