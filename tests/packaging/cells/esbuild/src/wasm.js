import { connect } from "throughline/wasm";
import wasm from "throughline/throughline.wasm";

const query = new URLSearchParams(location.search);
const session = connect({ wasm, url: `${query.get("server")}/realtime` });
session.on("ECHO", (text) => (document.documentElement.dataset.outcome = text));
session.send("ECHO", query.get("say"));
