import { connect } from "throughline/wasm";
import wasm from "throughline/throughline.wasm?url";

const query = new URLSearchParams(location.search);
const session = connect<{ ECHO: string }, { ECHO: string }>({ wasm, url: `${query.get("server")}/realtime` });
session.on("ECHO", (text) => (document.documentElement.dataset.outcome = text));
await session.send("ECHO", query.get("say") ?? "");
