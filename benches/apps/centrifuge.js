import { Centrifuge } from "centrifuge";

export const first = (url, heard) => {
  const centrifuge = new Centrifuge(url);
  centrifuge.connect();
  centrifuge.rpc("ECHO", { i: 1 }).then(({ data }) => heard(data.i));
};
