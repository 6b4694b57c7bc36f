import { connect } from "throughline";

const [server, say = ""] = Deno.args;
const session = connect<{ ECHO: string }, { ECHO: string }>({ url: `${server}/realtime` });
const echo = session.waitFor("ECHO");
await session.send("ECHO", say);
console.log(await echo);
await session.close();
