import { connect } from "throughline";

interface Events {
  ECHO: { text: string };
}

export const joinRoom = (room: string) => connect<Events, Events>({ url: `/realtime?room=${room}` });
