import { connect } from "throughline";

const [server, say, transport] = process.argv.slice(2);
const session = connect({ url: `${server}/realtime`, transports: [transport] });
const echo = session.waitFor("ECHO");
await session.send("ECHO", say);
console.log(await echo);
await session.close();
