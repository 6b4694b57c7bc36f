import { BaseRealtime, FetchRequest, WebSocketTransport } from "ably/modular";

export const first = (url, heard) => {
  const { hostname, port } = new URL(url);
  const plugins = { WebSocketTransport, FetchRequest };
  const client = new BaseRealtime({ plugins, endpoint: hostname, port: Number(port), tls: false, token: "none", transports: ["web_socket"], useBinaryProtocol: false });
  client.channels.get("echo").subscribe(({ data }) => heard(data.i));
};
