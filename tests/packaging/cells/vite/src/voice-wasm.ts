import { connect } from "throughline/voice/wasm";
import wasm from "throughline/voice.wasm?url";

const query = new URLSearchParams(location.search);
const session = connect<{ ECHO: string }, { ECHO: string }>({ wasm, url: `${query.get("server")}/realtime` });
session.on("ECHO", (text) => (document.documentElement.dataset.outcome = text));
await session.send("ECHO", query.get("say") ?? "");
