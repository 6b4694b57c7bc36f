import { connect } from "throughline/voice";
import type { Events } from "./chat";
import { origin } from "./origin";

export const call = () => connect<Events, Events>({ url: `${origin()}/realtime` });
