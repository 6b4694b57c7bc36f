import { openLongPoll } from "../../src/transport/long-poll.js";
import { openSse } from "../../src/transport/sse.js";
import { openWebSocket } from "../../src/transport/websocket.js";

/** What text entries are made of, however they come by their core; transports by their numbers, all of them used by default. */
export const KIT = { openers: [openWebSocket, openSse, openLongPoll], transports: [0, 1, 2] };
