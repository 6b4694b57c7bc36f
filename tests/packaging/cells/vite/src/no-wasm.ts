import { connect } from "throughline/no-wasm";

const query = new URLSearchParams(location.search);
const session = connect<{ ECHO: string }, { ECHO: string }>({ url: `${query.get("server")}/realtime` });
session.on("ECHO", (text) => (document.documentElement.dataset.outcome = text));
await session.send("ECHO", query.get("say") ?? "");
