import * as Ably from "ably";

export const first = (url, heard) => {
  const { hostname, port } = new URL(url);
  const client = new Ably.Realtime({ endpoint: hostname, port: Number(port), tls: false, token: "none", transports: ["web_socket"], useBinaryProtocol: false });
  client.channels.get("echo").subscribe("ECHO", ({ data }) => heard(data.i));
};
