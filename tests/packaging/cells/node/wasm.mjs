import { readFile } from "node:fs/promises";
import { connect } from "throughline/wasm";

const wasm = readFile(new URL(import.meta.resolve("throughline/throughline.wasm")));
const [server, say] = process.argv.slice(2);
const session = connect({ wasm, url: `${server}/realtime` });
const echo = session.waitFor("ECHO");
await session.send("ECHO", say);
console.log(await echo);
await session.close();
