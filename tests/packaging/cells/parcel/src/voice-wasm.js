import { connect } from "throughline/voice/wasm";

const wasm = new URL("npm:throughline/voice.wasm", import.meta.url);
const query = new URLSearchParams(location.search);
const session = connect({ wasm, url: `${query.get("server")}/realtime` });
session.on("ECHO", (text) => (document.documentElement.dataset.outcome = text));
session.send("ECHO", query.get("say"));
