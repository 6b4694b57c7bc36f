import { connect } from "throughline/voice";

const query = new URLSearchParams(location.search);
const session = connect({ url: `${query.get("server")}/realtime` });
session.on("ECHO", (text) => (document.documentElement.dataset.outcome = text));
session.send("ECHO", query.get("say"));
