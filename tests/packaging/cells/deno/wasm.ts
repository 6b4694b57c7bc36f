import { connect } from "throughline/wasm";

const wasm = Deno.readFile(new URL(import.meta.resolve("throughline/throughline.wasm")));
const [server, say = ""] = Deno.args;
const session = connect<{ ECHO: string }, { ECHO: string }>({ wasm, url: `${server}/realtime` });
const echo = session.waitFor("ECHO");
await session.send("ECHO", say);
console.log(await echo);
await session.close();
