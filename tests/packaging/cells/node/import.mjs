// Importing does nothing: each entry, with nothing of a page there.

const { exports } = (await import("throughline/package.json", { with: { type: "json" } })).default;
/** What needs a framework, or the thread of an audio context. */
const OTHERS = ["./react", "./vue", "./svelte", "./audio-worklet.js"];
const watched = ["window", "document", "navigator", "location", "localStorage", "fetch", "WebSocket", "EventSource", "setTimeout", "crypto"];

const touched = [];
for (const name of watched) Object.defineProperty(globalThis, name, { configurable: true, get: () => void touched.push(name) });
const before = Reflect.ownKeys(globalThis);
for (const [entry, target] of Object.entries(exports)) {
  if (target.default?.endsWith(".js") && !OTHERS.includes(entry)) await import(`throughline${entry.slice(1)}`);
}
const added = Reflect.ownKeys(globalThis).filter((name) => !before.includes(name));
if (touched.length || added.length) throw new Error(`touched ${touched}, added ${added.map(String)}`);
console.log(process.argv[2]);
