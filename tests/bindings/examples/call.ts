import { connect } from "throughline/voice";

export const call = () => connect({ url: "/realtime" });
