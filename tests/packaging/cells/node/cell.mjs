const transports = ["websocket", "sse", "long-poll"];
const node = (version) => `node_modules/node-${version}/bin/node`;
const runs = (version) => [
  [`${version}-import`, [node(version), "import.mjs", "{say}"]],
  [`${version}-wasm`, [node(version), "wasm.mjs", "{server}", "{say}"]],
  ...transports.map((transport) => [`${version}-${transport}`, [node(version), "client.mjs", "{server}", "{say}", transport]]),
];

export default {
  title: "Node 22, 26",
  runs: Object.fromEntries([22, 26].flatMap(runs)),
};
