// What the types of the bindings to frameworks promise and forbid. Nothing here runs: `tsc` is the test.

import type { ComputedRef, ShallowRef } from "vue";
import { ref } from "vue";
import { toStore, type Readable } from "svelte/store";
import * as builtReact from "../../pkg/js/react.js";
import * as builtSvelte from "../../pkg/js/svelte.js";
import * as builtVue from "../../pkg/js/vue.js";
import { connect } from "../../pkg/types/index.js";
import type { Session, SessionError, State, Transport } from "../../pkg/types/index.js";
import * as react from "../../pkg/types/react.js";
import * as svelte from "../../pkg/types/svelte.js";
import { connect as connectVoice } from "../../pkg/types/voice.js";
import type { Progress, Session as VoiceSession } from "../../pkg/types/voice.js";
import * as vue from "../../pkg/types/vue.js";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function is<_T extends true>(): void {}

interface Events {
  AI_MESSAGE: { text: string };
  TYPING: { isTyping: boolean };
}

interface Commands {
  USER_MESSAGE: { text: string };
}

const join = (room: string) => connect<Events, Commands>({ url: `/rooms/${room}` });
const call = () => connectVoice<Events, Commands>();
const perhaps = (user: string | null) => (user ? join(user) : null);

// What the JavaScript exports is what is declared.
is<Equal<keyof typeof builtReact, keyof typeof react>>();
is<Equal<keyof typeof builtVue, keyof typeof vue>>();
is<Equal<keyof typeof builtSvelte, keyof typeof svelte>>();

// ---- React

const session = react.useSession(join, "blue");
is<Equal<typeof session, Session<Events, Commands> | null>>();
const asking = react.useSession(() => connect<Events, Commands, { USER_MESSAGE: { id: string } }>());
is<Equal<typeof asking, Session<Events, Commands, { USER_MESSAGE: { id: string } }> | null>>();
react.useEvent(asking, "AI_MESSAGE", ({ text }) => is<Equal<typeof text, string>>());
const voice = react.useSession(call);
is<Equal<typeof voice, VoiceSession<Events, Commands> | null>>();
is<Equal<ReturnType<typeof given>, Session<Events, Commands> | null>>();
const given = () => react.useSession(perhaps, "ada" as string | null);
react.useSession(connect);
// @ts-expect-error a function that needs a key is given one
react.useSession(join);
// @ts-expect-error another kind of key
react.useSession(join, 7);
// @ts-expect-error an object is another one in each render
react.useSession((room: { id: string }) => join(room.id), { id: "blue" });
// @ts-expect-error a session is made when it is wanted, not in each render
react.useSession(connect<Events, Commands>());
// @ts-expect-error no session
react.useSession(() => new WebSocket("/realtime"));
// @ts-expect-error a session at once, not a promise of one
react.useSession(async () => join("blue"));

const status = react.useSessionState(session);
is<Equal<typeof status.state, State>>();
is<Equal<typeof status.transport, Transport | null>>();
is<Equal<typeof status.error, SessionError | undefined>>();
is<Equal<ReturnType<typeof online>, boolean>>();
const online = () => react.useSessionState(voice, ({ state }) => state === "connected");
// @ts-expect-error no such member
react.useSessionState(session, ({ stat }) => stat);
// @ts-expect-error what it says stays as it is
status.state = "closed";

react.useEvent(session, "AI_MESSAGE", (message, { id }) => {
  is<Equal<typeof message, { text: string }>>();
  is<Equal<typeof id, string | undefined>>();
});
react.useEvent(session, "message:TYPING", ({ isTyping }) => is<Equal<typeof isTyping, boolean>>(), { kept: true });
react.useEvent(session, "state", ({ to }) => is<Equal<typeof to, State>>());
react.useEvent(voice, "progress", (progress) => is<Equal<typeof progress, Progress>>());
react.useEvent(voice, "AI_MESSAGE", ({ text }) => is<Equal<typeof text, string>>());
react.useEvent(voice?.audio, "level", ({ level }) => is<Equal<typeof level, number>>());
// @ts-expect-error no such message
react.useEvent(session, "AI_MESAGE", () => {});
// @ts-expect-error the payload has no such member
react.useEvent(session, "AI_MESSAGE", ({ txt }) => txt);
// @ts-expect-error an event of voice
react.useEvent(session, "progress", () => {});
// @ts-expect-error an event of the session, not of its voice
react.useEvent(voice?.audio, "AI_MESSAGE", () => {});
// @ts-expect-error when it ends is the component's to say
react.useEvent(session, "AI_MESSAGE", () => {}, { signal: new AbortController().signal });

is<Equal<ReturnType<typeof speaking>, boolean>>();
const speaking = () => react.useAudio(voice, ({ isAgentSpeaking }) => isAgentSpeaking);
// @ts-expect-error a session of the text entry has no voice
react.useAudio(session);
// @ts-expect-error the level is an event
react.useAudio(voice).level;

// ---- Vue

const room = ref("blue");
const inVue = vue.useSession(join, room);
is<Equal<typeof inVue, Readonly<ShallowRef<Session<Events, Commands> | null>>>>();
vue.useSession(join, () => room.value);
vue.useSession(join, "blue");
// @ts-expect-error another kind of key
vue.useSession(join, ref(7));
// @ts-expect-error the session is not the app's to change
inVue.value = null;
const { state, error } = vue.useSessionState(inVue);
is<Equal<typeof state, ComputedRef<State>>>();
is<Equal<typeof error, ComputedRef<SessionError | undefined>>>();
vue.useSessionState(() => inVue.value);
vue.useEvent(inVue, "AI_MESSAGE", ({ text }) => is<Equal<typeof text, string>>());
const voiceInVue = vue.useSession(call);
vue.useEvent(() => voiceInVue.value?.audio, "level", ({ level }) => is<Equal<typeof level, number>>());
// @ts-expect-error no such message
vue.useEvent(inVue, "AI_MESAGE", () => {});
is<Equal<ReturnType<typeof vue.useAudio>["userMuted"], ComputedRef<boolean>>>();
vue.useAudio(voiceInVue);
// @ts-expect-error a session of the text entry has no voice
vue.useAudio(inVue);

// ---- Svelte

const store = svelte.sessionStore(join, "blue");
is<Equal<typeof store, Readable<Session<Events, Commands> | null>>>();
svelte.sessionStore(join, toStore(() => "blue"));
// @ts-expect-error another kind of key
svelte.sessionStore(join, 7);
svelte.sessionState(store).subscribe(({ transport }) => is<Equal<typeof transport, Transport | null>>());
svelte.sessionState(session);
const last = svelte.eventStore(store, "AI_MESSAGE");
is<Equal<typeof last, Readable<{ text: string } | undefined>>>();
const first = svelte.eventStore(store, "TYPING", null);
is<Equal<typeof first, Readable<{ isTyping: boolean } | null>>>();
svelte.onEvent(store, "AI_MESSAGE", ({ text }) => is<Equal<typeof text, string>>());
// @ts-expect-error no such message
svelte.onEvent(store, "AI_MESAGE", () => {});
svelte.audioStore(svelte.sessionStore(call)).subscribe(({ isUserSpeaking }) => is<Equal<typeof isUserSpeaking, boolean>>());
// @ts-expect-error a session of the text entry has no voice
svelte.audioStore(store);
