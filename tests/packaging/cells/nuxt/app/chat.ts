import { connect } from "throughline";
import { origin } from "./origin";

export interface Events {
  ECHO: { text: string };
}

export const ROOMS = ["blue", "green"] as const;

export const joinRoom = (room: string) => connect<Events, Events>({ url: `${origin()}/realtime?room=${room}` });
