// An app whose types are those of its schemas. Nothing here runs.

import { connect } from "throughline";
import type { Options, Session } from "throughline";
import { schemas } from "throughline/schemas";
import type { Invalid, Schema } from "throughline/schemas";
import { connect as connectVoice } from "throughline/voice";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function is<_T extends true>(): void {}

declare const text: Schema<{ text: string }>;
/** Text goes in, a date comes out. */
declare const at: Schema<{ at: string }, { at: Date }>;

const check = schemas({ events: { AI_MESSAGE: text, AT: at }, commands: { USER_MESSAGE: text, AT: at }, replies: { AT: at }, invalid: "fail" });
const session = connect({ url: "/realtime", check });
is<Equal<typeof session, Session<{ AI_MESSAGE: { text: string }; AT: { at: Date } }, { USER_MESSAGE: { text: string }; AT: { at: string } }, { AT: { at: Date } }>>>();
session.on("AT", ({ at }) => is<Equal<typeof at, Date>>());
session.send("AT", { at: "2026-01-01" });
session.request("AT", { at: "2026-01-01" }).then(({ at }) => is<Equal<typeof at, Date>>());
session.on("error", (error) => error.code === "invalid" && (error.details as Invalid).issues[0]?.message);
// @ts-expect-error no schema has this name
session.on("AI_MESAGE", () => {});
// @ts-expect-error what goes in is text
session.send("AT", { at: new Date() });
// @ts-expect-error nothing answers this command
session.request("USER_MESSAGE", { text: "hi" });

// What has no schemas is loose; with types of one's own, schemas only look.
const half = connect({ check: schemas({ events: { AI_MESSAGE: text } }) });
half.send("anything", 7);
half.on("AI_MESSAGE", ({ text }) => is<Equal<typeof text, string>>());
const own = connect<{ AI_MESSAGE: { text: string }; OTHER: number }>({ check: schemas({ events: { AI_MESSAGE: text } }) });
own.on("OTHER", (payload) => is<Equal<typeof payload, number>>());
declare const given: Options;
is<Equal<ReturnType<typeof connect<{ A: string }>>, Session<{ A: string }>>>();
const passedOn = connect(given);
is<Equal<typeof passedOn, Session>>();
connect<{ AI_MESSAGE: { text: string } }>(given);
// @ts-expect-error the schema says that it is text
connect<{ AI_MESSAGE: { text: number } }>({ check: schemas({ events: { AI_MESSAGE: text } }) });
// @ts-expect-error the schema takes text
connect<{}, { USER_MESSAGE: { text: number } }>({ check });
// @ts-expect-error the same in voice
connectVoice<{ AI_MESSAGE: { text: number } }>({ check: schemas({ events: { AI_MESSAGE: text } }) });

const voice = connectVoice({ check });
voice.on("AT", ({ at }) => is<Equal<typeof at, Date>>());
voice.on("rung", ({ gapMs }) => is<Equal<typeof gapMs, number>>());
// @ts-expect-error no schema has this name
voice.send("AI_MESAGE", { text: "hi" });

// @ts-expect-error a schema, not what it describes
schemas({ events: { AI_MESSAGE: { text: "string" } } });
// @ts-expect-error no such policy
schemas({ invalid: "ignore" });
// @ts-expect-error no such option
schemas({ event: { AI_MESSAGE: text } });
