import { HttpTransportType, HubConnectionBuilder } from "@microsoft/signalr";

export const first = async (url, heard) => {
  const connection = new HubConnectionBuilder().withUrl(url, { skipNegotiation: true, transport: HttpTransportType.WebSockets }).build();
  connection.on("ECHO", ({ i }) => heard(i));
  await connection.start();
  connection.send("ECHO", { i: 1 });
};
