const versions = [22, 26];
const transports = ["websocket", "sse", "long-poll"];

export default {
  title: "Node 22 and 26",
  runs: Object.fromEntries(
    versions.flatMap((version) =>
      transports.map((transport) => [`${version}-${transport}`, [`node_modules/node-${version}/bin/node`, "client.mjs", "{server}", "{say}", transport]]),
    ),
  ),
};
