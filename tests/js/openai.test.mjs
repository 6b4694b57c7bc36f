// The dialect `openai` without a browser: what events amount to, what answers what, when a session is left, how tools are run and sound is written.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { SessionError } from "../../pkg/js/error.js";
import { Listeners } from "../../pkg/js/listeners.js";
import { Conversation } from "../../pkg/js/voice/openai/conversation.js";
import { OpenAi } from "../../pkg/js/voice/openai/dialect.js";
import { keyOf } from "../../pkg/js/voice/openai/keys.js";
import { today } from "../../pkg/js/voice/openai/names.js";
import { openAiOf, plainOf } from "../../pkg/js/voice/openai/options.js";
import { Requests, checkAsked } from "../../pkg/js/voice/openai/requests.js";
import { Rollover } from "../../pkg/js/voice/openai/rollover.js";
import { Tools } from "../../pkg/js/voice/openai/tools.js";
import { Transcript } from "../../pkg/js/voice/openai/transcript.js";
import { Turns } from "../../pkg/js/voice/openai/turns.js";
import { OpenAiWording } from "../../pkg/js/voice/openai/wording.js";

const SCRIPT = JSON.parse(readFileSync(new URL("../../www/servers/d-events.json", import.meta.url), "utf8"));
const LISTS = { ga: SCRIPT.ga, older: SCRIPT.older };
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** A transcript that has heard events, written shortly. */
function heard(...events) {
  const transcript = new Transcript();
  for (const event of events) transcript.hear(event);
  return transcript;
}
const session = (transcription = { model: "whisper-1" }) => ({ type: "session.created", session: { audio: { input: { transcription } } } });
const added = (id, role, previous_item_id, content = [], status = "completed") => ({
  type: "conversation.item.added", previous_item_id, item: { id, type: "message", role, status, content },
});
const said = (id, delta) => ({ type: "response.output_audio_transcript.delta", item_id: id, content_index: 0, delta });
const text = (type, words) => [{ type, text: words }];

for (const [name, list] of Object.entries(LISTS)) {
  test(`${name}: events amount to the conversation and the calls that the script tells`, () => {
    const transcript = heard(...list.map(({ event }) => today(event)));
    assert.deepEqual(transcript.messages, SCRIPT.conversation);
    assert.deepEqual(transcript.calls, SCRIPT.calls.map((call) => ({ ...call, status: "completed" })));
    assert.deepEqual(transcript.captions, { user: "", agent: "" });
  });

  test(`${name}: captions are what is being said`, () => {
    const transcript = new Transcript();
    const shown = ["|"];
    for (const { event } of list) {
      if (!transcript.hear(today(event))) continue;
      const { user, agent } = transcript.captions;
      if (shown.at(-1) !== `${user}|${agent}`) shown.push(`${user}|${agent}`);
    }
    assert.deepEqual(shown.slice(1, 6), ["|Welcome!", "|Welcome! Tell me", "|Welcome! Tell me about your work.", "|", "|That is"]);
    assert.deepEqual(shown.slice(-3), ["|Noted.", "|Noted. Shall we go on?", "|"]);
    assert.ok(shown.includes("I build audio tools.|That is an interesting"), "a transcript comes beside the answer");
    assert.equal(shown[shown.indexOf("|That is an interesting field, and I would") + 1], "|", "who is cut off says nothing more");
  });
}

test("what comes in the names of before is told in today's, with today's shapes", () => {
  const [ga, older] = [SCRIPT.ga, SCRIPT.older].map((list) => list.map(({ event }) => today(event)));
  const types = (events) => events.map(({ type }) => type).filter((type) => type !== "conversation.item.done");
  assert.deepEqual(types(older), types(ga));
  const of = (events, type, at = 0) => {
    const { event_id, ...event } = events.filter((event) => event.type === type)[at];
    return event;
  };
  for (const at of [0, 1, 3]) assert.deepEqual(of(older, "response.output_item.done", at), of(ga, "response.output_item.done", at));
  assert.deepEqual(of(older, "response.done", 3).response.output, of(ga, "response.done", 3).response.output);
  assert.deepEqual(of(older, "response.done", 3).response.output_modalities, ["text"]);
  const [{ session: now }, { session: before }] = [of(ga, "session.created"), of(older, "session.created")];
  assert.deepEqual(before.audio.input.transcription, now.audio.input.transcription);
  assert.deepEqual(before.audio.output.format, now.audio.output.format);
  assert.deepEqual(SCRIPT.ga.map(({ event }) => today(event)), SCRIPT.ga.map(({ event }) => event), "today's are as they are");
});

test("what the user says has its place before it is written down, and is in progress until then", () => {
  const transcript = heard(session(), added("a", "assistant", null, text("output_text", "Hello.")), { type: "input_audio_buffer.committed", item_id: "u", previous_item_id: "a" });
  transcript.hear(said("b", "I see"));
  transcript.hear(added("b", "assistant", "u", [], "in_progress"));
  assert.deepEqual(transcript.messages.map(({ id, text, status }) => [id, text, status]), [["a", "Hello.", "completed"], ["u", "", "in_progress"], ["b", "I see", "in_progress"]]);
  transcript.hear({ type: "conversation.item.input_audio_transcription.completed", item_id: "u", content_index: 0, transcript: "Hi." });
  assert.deepEqual(transcript.messages[1], { id: "u", who: "user", text: "Hi.", status: "completed" });
  // Where nothing is written down, nothing is waited for.
  const silent = heard(session(null), added("u", "user", null, [{ type: "input_audio", transcript: null }]));
  assert.deepEqual(silent.messages, [{ id: "u", who: "user", text: "", status: "completed" }]);
  const failed = heard(session(), added("u", "user", null, [{ type: "input_audio" }]), { type: "conversation.item.input_audio_transcription.failed", item_id: "u" });
  assert.equal(failed.messages[0].status, "incomplete");
});

test("an item that is told late goes where it belongs; one that is deleted goes", () => {
  const transcript = heard(added("a", "user", null, text("input_text", "1")), added("c", "user", "b", text("input_text", "3")), added("b", "user", "a", text("input_text", "2")), added("z", "user", null, text("input_text", "0")));
  assert.deepEqual(transcript.messages.map(({ text }) => text), ["0", "1", "2", "3"]);
  assert.equal(transcript.hear({ type: "conversation.item.deleted", item_id: "b" }), true);
  assert.equal(transcript.hear({ type: "conversation.item.deleted", item_id: "b" }), false);
  assert.deepEqual(transcript.messages.map(({ id }) => id), ["z", "a", "c"]);
});

test("what was not heard is cut off where the length of its sound is known, and does not come back", () => {
  const second = "A".repeat(64_000);
  const sound = { type: "response.output_audio.delta", item_id: "a", content_index: 0, delta: second };
  const words = "one two three four five six seven eight";
  const transcript = heard(sound, sound, said("a", words), { type: "conversation.item.truncated", item_id: "a", content_index: 0, audio_end_ms: 1_000 });
  assert.deepEqual(transcript.messages, [{ id: "a", who: "agent", text: "one two three four", status: "incomplete" }]);
  transcript.hear({ type: "response.output_audio_transcript.done", item_id: "a", content_index: 0, transcript: words });
  transcript.hear({ type: "response.output_item.done", item: { id: "a", type: "message", role: "assistant", status: "completed", content: [{ type: "output_audio", transcript: words }] } });
  assert.deepEqual([transcript.messages[0].text, transcript.messages[0].status], ["one two three four", "incomplete"]);
});

test("another session is told what was said, once, and goes on after it", () => {
  const transcript = heard(...SCRIPT.ga.map(({ event }) => event), said("item_007", "Well, "));
  transcript.hear({ type: "conversation.item.added", item: { id: "out", type: "function_call_output", call_id: "call_001", output: "noted" } });
  transcript.lost();
  const seeds = transcript.seeds(100);
  assert.deepEqual(seeds.map(({ type, item }) => [type, item.type, item.id]), [
    ...["item_001", "item_002", "item_003", "item_004"].map((id) => ["conversation.item.create", "message", id]),
    ["conversation.item.create", "function_call", "item_005"],
    ["conversation.item.create", "message", "item_006"],
    ["conversation.item.create", "message", "item_007"],
    ["conversation.item.create", "function_call_output", "out"],
  ]);
  assert.deepEqual(seeds[1].item, { id: "item_002", type: "message", role: "user", content: text("input_text", "I build audio tools.") });
  assert.deepEqual(seeds[0].item.content, text("output_text", "Welcome! Tell me about your work."));
  const before = transcript.messages;
  for (const { item } of seeds) transcript.hear({ type: "conversation.item.added", previous_item_id: null, item: { ...item, status: "completed" } });
  assert.deepEqual(transcript.messages, before, "the echo of what it was told is nothing new");
  transcript.hear(added("new", "user", "out", text("input_text", "More.")));
  assert.equal(transcript.messages.at(-1).id, "new");
  assert.deepEqual(transcript.unseeded(100).map(({ item }) => item.id), ["new"]);
  // Of a conversation that nothing is told of, too, what comes follows.
  const short = heard(added("a", "user", null, text("input_text", "1")));
  assert.deepEqual(short.seeds(0), []);
  short.hear(added("b", "user", null, text("input_text", "2")));
  assert.deepEqual(short.messages.map(({ id }) => id), ["a", "b"]);
  assert.deepEqual(transcript.seeds(2).map(({ item }) => item.id), ["new"], "an output without its call is not told");
});

test("what no server says does no harm", () => {
  const transcript = new Transcript();
  const odd = [null, 5, "x", [], {}, { type: "message" }, { id: 5, type: "message" }, { id: "i", type: "message", content: 7 }, { id: "j", type: "message", role: "assistant", content: [null, 5] }, { id: "k", type: "function_call" }];
  for (const item of odd) {
    for (const type of ["conversation.item.added", "conversation.item.done", "response.output_item.done"]) transcript.hear(today({ type, item, previous_item_id: 5 }));
    transcript.hear(today({ type: "response.done", response: { output: [item], status: 5 } }));
    transcript.hear(today({ type: "response.done", response: item }));
    transcript.hear(today({ type: "session.created", session: item }));
  }
  for (const type of SCRIPT.ga.map(({ event }) => event.type)) {
    for (const more of [{}, { item_id: 5 }, { item_id: "x", delta: 5, content_index: -1 }, { item_id: "y", content_index: 1e9, delta: "z" }, { response_id: null }]) transcript.hear(today({ type, ...more }));
  }
  assert.ok(transcript.messages.every(({ text }) => typeof text === "string"));
  assert.ok(transcript.calls.every(({ arguments: args }) => args !== undefined));
});

test("the view is the same object until something changes", () => {
  const transcript = new Transcript();
  let changed;
  const conversation = new Conversation(transcript, (hear) => (changed = hear));
  const views = [];
  const off = conversation.on("change", (view) => views.push(view));
  const { messages } = conversation;
  transcript.hear(added("a", "user", null, text("input_text", "1")));
  assert.equal(conversation.messages, messages);
  changed();
  assert.equal(conversation.messages, views[0].messages);
  assert.equal(views[0].messages.length, 1);
  off();
  changed();
  assert.equal(views.length, 1);
});

test("a key is found in every shape that backends have", () => {
  for (const shape of ["ek", { value: "ek" }, { client_secret: { value: "ek" } }, { client_secret: "ek" }, { token: "ek" }, { ephemeral_key: "ek" }, { id: "sess", token: "ek" }]) {
    assert.deepEqual(keyOf(shape), { key: "ek", until: Infinity }, JSON.stringify(shape));
  }
  assert.equal(keyOf({ value: "ek", expires_at: 1_000 }).until, 990_000);
  assert.equal(keyOf({ client_secret: { value: "ek", expires_at: 1_000 } }).until, 990_000);
  for (const none of [undefined, null, {}, { value: "" }, { value: 5 }, 7, ""]) assert.equal(keyOf(none).key, undefined);
});

test("a question is answered by what follows from it", () => {
  const requests = new Requests();
  const LINK = 7;
  const ask = (id, type, payload) => {
    const asked = requests.ask(id, type, payload);
    requests.written({ type, event: asked.event_id, asked: id }, LINK);
    return asked;
  };
  const answered = (type, more) => requests.answeredBy({ type, ...more }, LINK);
  const refused = (event_id) => requests.answeredBy({ type: "error", error: { event_id } }, LINK);
  assert.equal(ask(1, "session.update", { session: {} }).event_id, "throughline_1");
  assert.equal(answered("session.created"), undefined);
  assert.equal(requests.answeredBy({ type: "session.updated" }, 6), undefined, "another link answers for itself");
  assert.equal(answered("session.updated"), 1);
  assert.equal(answered("session.updated"), undefined);
  // Of two responses each has its own end.
  ask(2, "response.create");
  ask(3, "response.create");
  answered("response.created", { response: { id: "r2" } });
  answered("response.created", { response: { id: "r3" } });
  assert.equal(answered("response.done", { response: { id: "r1" } }), undefined);
  assert.equal(answered("response.done", { response: { id: "r3" } }), 3);
  assert.equal(answered("response.done", { response: { id: "r2" } }), 2);
  const { item } = ask(4, "conversation.item.create", { item: { type: "message" } });
  assert.equal(answered("conversation.item.added", { item: { id: "other" } }), undefined);
  assert.equal(answered("conversation.item.added", { item: { id: item.id } }), 4);
  ask(5, "conversation.item.delete", { item_id: "a", event_id: "mine" });
  assert.equal(refused("yours"), undefined);
  assert.equal(refused(undefined), undefined);
  assert.equal(refused("mine"), 5);
  // What was not written goes over the next link; what was, went with the last.
  requests.ask(6, "response.create");
  ask(7, "response.create");
  assert.deepEqual([requests.lost(6), requests.lost(LINK)], [[], [7]]);
  assert.equal(requests.waiting, true);
  requests.forget(6);
  assert.equal(requests.waiting, false);
  for (const type of ["input_audio_buffer.append", "toString", "constructor"]) assert.throws(() => checkAsked(type), { code: "unsupported" });
});

test("updates of the session are answered in their order, whoever wrote them", () => {
  const requests = new Requests();
  const type = "session.update";
  const write = (event, asked) => requests.written({ type, event, asked }, 1);
  const ask = (id) => write(requests.ask(id, type, {}).event_id, id);
  const answers = (count) => Array.from({ length: count }, () => requests.answeredBy({ type: "session.updated" }, 1));
  // The second one is asked about first and written last.
  const later = requests.ask(2, type, {});
  write("greeting");
  write("sent");
  ask(1);
  write(later.event_id, 2);
  assert.equal(requests.waiting, true);
  assert.deepEqual(answers(5), [0, 0, 1, 2, undefined]);
  // One that is refused is not answered, one that nobody waits for any more is.
  write("refused");
  ask(3);
  ask(4);
  requests.forget(3);
  assert.equal(requests.answeredBy({ type: "error", error: { event_id: "refused" } }, 1), 0);
  assert.deepEqual(answers(3), [0, 4, undefined]);
  write("greeting");
  assert.equal(requests.waiting, false, "nobody asked");
});

/** Turns whose commands are written down, and settle when told. */
function turns() {
  const seen = { busy: false, order: [], writes: {}, freed: 0 };
  const all = new Turns(() => seen.busy, () => seen.freed++);
  const ask = (name, options = {}) => {
    const send = ({ ttl }) => new Promise((resolve, reject) => {
      seen.order.push(name);
      seen.writes[name] = { resolve, reject, ttl };
    });
    return all.take(name, options, send).catch(({ code }) => seen.order.push(`${name} ${code}`));
  };
  return { all, seen, ask };
}

test("one response is asked for at a time, and at once where none is under way", async () => {
  const { all, seen, ask } = turns();
  const abort = new AbortController();
  ask("first");
  assert.deepEqual([seen.order, all.taken], [["first"], true], "before anything else is sent");
  ask("second");
  ask("third", { signal: abort.signal });
  ask("fourth");
  seen.busy = true;
  all.hear({ type: "response.created" });
  abort.abort();
  await settled();
  assert.deepEqual(seen.order, ["first", "third aborted"]);
  seen.busy = false;
  all.hear({ type: "response.done" });
  assert.deepEqual(seen.order.slice(2), ["second"]);
  all.hear({ type: "error" });
  assert.deepEqual(seen.order.slice(3), ["fourth"], "what was refused does not begin");
  seen.writes.fourth.reject({ code: "aborted" });
  await settled();
  assert.deepEqual([seen.order.slice(4), all.taken], [["fourth aborted"], false]);
});

test("what else is refused frees no turn", () => {
  const { all, seen, ask } = turns();
  const refuse = (event_id) => all.hear({ type: "error", error: { event_id } });
  for (const name of ["first", "second", "third"]) ask(name);
  refuse("a deletion");
  assert.deepEqual(seen.order, ["first"]);
  refuse("first");
  assert.deepEqual(seen.order, ["first", "second"]);
  refuse("first");
  assert.deepEqual(seen.order, ["first", "second"], "told twice");
  refuse(null);
  assert.deepEqual(seen.order, ["first", "second", "third"], "it may be about any");
});

test("who waits for a turn does so within the command's own time, and no longer than the session lasts", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { all, seen, ask } = turns();
  ask("first");
  ask("brief", { ttl: 500 });
  ask("endless", { ttl: Infinity });
  t.mock.timers.tick(500);
  await settled();
  assert.deepEqual(seen.order, ["first", "brief expired"]);
  all.end();
  await settled();
  assert.deepEqual([seen.order.slice(2), all.taken], [["endless closed"], false]);
  ask("after");
  assert.equal(seen.order.at(-1), "after", "the session says that it is over");
});

test("what is neither begun nor refused holds up nobody for good; what is not written yet is for the next session", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { all, seen, ask } = turns();
  ask("first");
  ask("second");
  t.mock.timers.tick(60_000);
  assert.deepEqual(seen.order, ["first"], "it waits for a link");
  all.lost();
  assert.deepEqual(seen.order, ["first"]);
  seen.writes.first.resolve();
  await settled();
  t.mock.timers.tick(9_999);
  assert.deepEqual(seen.order, ["first"]);
  t.mock.timers.tick(1);
  assert.deepEqual(seen.order, ["first", "second"]);
  assert.equal(seen.freed, 1);
  seen.writes.second.resolve();
  await settled();
  all.lost();
  assert.equal(all.taken, false, "it went with its session");
});

/** Tools that write down what they are told. */
function tools(run) {
  const seen = { answers: [], wentOn: 0, troubles: [], busy: true };
  const all = new Tools({ note: { description: "Notes", parameters: { type: "object" }, run } }, {
    answer: (call, output) => seen.answers.push([call, output]),
    goOn: () => seen.wentOn++,
    trouble: (error) => seen.troubles.push(error),
    busy: () => seen.busy,
  });
  const call = (name, written, call_id = "c1", status = "completed") => all.hear({ type: "response.output_item.done", item: { type: "function_call", name, call_id, arguments: written, status } });
  return { all, seen, call };
}

test("a tool is run, the model told, and asked to go on once it is silent", async () => {
  const ran = [];
  const { all, seen, call } = tools((args, { callId }) => void ran.push([args, callId]));
  assert.deepEqual(all.declared, [{ type: "function", name: "note", description: "Notes", parameters: { type: "object" } }]);
  call("note", '{"topic":"audio"}');
  call("note", "", "c2");
  call("other", "{}");
  call("note", "{}", "c3", "incomplete");
  await settled();
  assert.deepEqual(ran, [[{ topic: "audio" }, "c1"], [{}, "c2"]]);
  assert.deepEqual(seen.answers, [["c1", "null"], ["c2", "null"]]);
  assert.deepEqual([seen.wentOn, all.busy], [0, true], "a response is under way");
  seen.busy = false;
  all.look();
  all.look();
  assert.deepEqual([seen.wentOn, all.busy], [1, false], "once for both");
});

test("a tool that fails, or is called wrongly, answers with that and tells it", async () => {
  const { seen, call } = tools(() => {
    throw new Error("no notebook");
  });
  call("note", "{}");
  call("note", "{broken", "c2");
  await settled();
  assert.deepEqual(seen.answers, [["c1", '{"error":"no notebook"}'], ["c2", '{"error":"the arguments are not JSON"}']]);
  assert.deepEqual(seen.troubles.map(({ code, details }) => [code, details.callId]), [["tool_failed", "c1"], ["tool_failed", "c2"]]);
});

test("a tool that runs when the session ends is told so, and nobody else", async () => {
  let signal;
  const { all, seen, call } = tools((_, context) => new Promise((_, reject) => {
    ({ signal } = context);
    signal.addEventListener("abort", () => reject(signal.reason));
  }));
  call("note", "{}");
  all.end();
  await settled();
  assert.equal(signal.aborted, true);
  assert.deepEqual([seen.answers, seen.troubles], [[], []]);
});

test("a tool that never comes back is answered for, and told so", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let signal;
  const { all, seen, call } = tools((_, context) => {
    ({ signal } = context);
    return new Promise(() => {});
  });
  seen.busy = false;
  call("note", "{}");
  await settled();
  assert.deepEqual([all.busy, signal.aborted], [true, false]);
  t.mock.timers.tick(60_000);
  await settled();
  assert.deepEqual(seen.answers, [["c1", '{"error":"no answer within 60 s"}']]);
  assert.deepEqual([seen.troubles.map(({ code }) => code), seen.wentOn, all.busy, signal.aborted], [["tool_failed"], 1, false, true]);
});

test("a session is left at a quiet moment once it is due, and at any before it ends", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const MINUTE = 60_000;
  let moves = 0;
  let quiet = false;
  const rollover = new Rollover(undefined, { quiet: () => quiet, move: () => moves++ });
  rollover.begin();
  t.mock.timers.tick(53 * MINUTE);
  quiet = true;
  rollover.look();
  assert.equal(moves, 0, "it is young");
  quiet = false;
  t.mock.timers.tick(4 * MINUTE);
  rollover.look();
  assert.equal(moves, 0, "somebody speaks");
  quiet = true;
  rollover.look();
  rollover.look();
  assert.equal(moves, 1);
  quiet = false;
  rollover.begin();
  t.mock.timers.tick(58 * MINUTE);
  assert.equal(moves, 2);
  t.mock.timers.tick(60 * MINUTE);
  assert.equal(moves, 2);
  // One that says when it ends is left before that.
  rollover.begin(10 * MINUTE);
  t.mock.timers.tick(8 * MINUTE);
  assert.equal(moves, 3);
  rollover.begin(1_000);
  t.mock.timers.tick(650);
  assert.equal(moves, 4);
  quiet = true;
  rollover.begin(4_000);
  t.mock.timers.tick(2_000);
  assert.equal(moves, 5, "quiet, at once");
  rollover.begin();
  rollover.end();
  const never = new Rollover(false, { quiet: () => true, move: () => moves++ });
  never.begin(1_000);
  t.mock.timers.tick(120 * MINUTE);
  assert.equal(moves, 5);
});

test("the page's clock makes no session short, and no number of milliseconds is too large", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const [HOUR, STEP] = [3_600_000, 500];
  /** After how many seconds each session is left within an hour, where each says that it lasts so long. */
  const ages = (options, lifetime) => {
    const all = [];
    let age = 0;
    const move = () => {
      all.push(age / 1_000);
      age = 0;
      rollover.begin(lifetime);
    };
    const rollover = new Rollover(options, { quiet: () => true, move });
    rollover.begin(lifetime);
    // A timer that is set during a step counts from the end of it.
    for (let now = 0; now < HOUR; now += STEP) {
      age += STEP;
      t.mock.timers.tick(STEP);
    }
    rollover.end();
    return all;
  };
  // 61 minutes ahead; an hour behind.
  for (const lifetime of [-60_000, 0, 2 * HOUR]) assert.equal(ages({}, lifetime).length, 1);
  assert.equal(ages({ latest: Infinity }).length, 1);
  for (const after of [2 ** 31, 2 ** 40]) assert.deepEqual(ages({ after }), []);
  // 59 minutes and 55 seconds ahead, and 59 minutes and a half: ever longer, and long for good.
  const long = Array(10).fill(300);
  assert.deepEqual(ages({}, 5_000), [2.5, 5, 10, 20, 40, 80, 160, ...long]);
  assert.deepEqual(ages({}, 30_000), [15, 30, 60, 120, 240, ...long]);
});

/** A dialect, and links that the test opens and takes in the core's place. What is sent is given to `write`. */
function dialect(options = {}, write = async (body) => {}) {
  const seen = { gate: [], rollovers: 0 };
  const host = {
    listeners: new Listeners(["rollover", "recovered"]),
    links: new Map(),
    carrier: 0,
    accept: (attempt) => +(attempt === host.carrier),
    options: {},
    tell: () => {},
    message: () => {},
    trouble: () => {},
    reply: () => false,
    send: (body, bytes, request, options = {}) => all.inTurn(body, options, () => write(body)),
    call: (run) => run(new AbortController().signal),
  };
  host.listeners.add("rollover", () => seen.rollovers++);
  const all = new OpenAi(host, { session: {}, ...options });
  all.gate = (open) => seen.gate.push(open);
  const open = (attempt) => {
    host.links.set(attempt, { send() {} });
    all.opening(attempt);
  };
  const take = (attempt, ...dropped) => {
    for (const other of dropped) host.links.delete(other);
    host.carrier = attempt;
    host.listeners.emit("rtt", { ms: 1 });
  };
  const hear = (attempt, type, more = { session: {} }) => all.receive(host, attempt, JSON.stringify({ type, ...more }));
  return { all, host, seen, open, take, hear };
}

test("sound goes up over the link that was taken, whichever opened last", async () => {
  const { all, host, seen, open, take, hear } = dialect();
  await all.prepare(host);
  open(1);
  open(2);
  hear(1, "session.created");
  take(1, 2);
  hear(1, "session.updated");
  assert.equal(seen.gate.at(-1), true);
  all.end();
});

test("of two that are taken one after the other, the later one carries the sound", async () => {
  const { all, host, seen, open, take, hear } = dialect();
  await all.prepare(host);
  open(1);
  open(2);
  for (const type of ["session.created", "session.updated"]) hear(2, type);
  take(2);
  assert.equal(seen.gate.at(-1), true);
  hear(1, "session.created");
  take(1, 2);
  assert.equal(seen.gate.at(-1), false, "it is not yet what was asked for");
  hear(1, "session.updated");
  assert.deepEqual([seen.gate.at(-1), seen.rollovers], [true, 1]);
  all.end();
});

for (const [how, ends] of [["never heard of", undefined], ["not sent", new SessionError("aborted")]]) {
  test(`a tool that finished beside a response that was ${how} is followed up`, async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const sent = [];
    let refuse;
    const write = (body) => {
      sent.push(body);
      return body.event === "mine" && ends ? new Promise((_, reject) => (refuse = reject)) : Promise.resolve();
    };
    const { all, host, open, take, hear } = dialect({ tools: { note: { run: () => "noted" } } }, write);
    await all.prepare(host);
    open(1);
    hear(1, "session.created");
    take(1);
    const asked = host.send(all.encode("response.create", { event_id: "mine" })).catch(() => {});
    hear(1, "response.output_item.done", { item: { type: "function_call", name: "note", call_id: "c1", arguments: "{}" } });
    await settled();
    assert.deepEqual(sent.map(({ type }) => type), ["response.create", "conversation.item.create"]);
    refuse?.(ends);
    await asked;
    t.mock.timers.tick(10_000);
    await settled();
    assert.deepEqual(sent.slice(2).map(({ type }) => type), ["response.create"]);
    all.end();
  });
}

test("a response is asked for by a name, the application's own where it has one", () => {
  const { all } = dialect();
  const names = [undefined, {}, { event_id: undefined }, { response: {} }].map((payload) => {
    const { event, raw } = all.encode("response.create", payload);
    assert.equal(JSON.parse(raw).event_id, event);
    return event;
  });
  assert.ok(names.every((name) => /^response_\w+$/.test(name)), names.join());
  assert.equal(new Set(names).size, names.length);
  assert.equal(all.encode("response.create", { event_id: "mine" }).event, "mine");
  assert.deepEqual(JSON.parse(all.encode("toString", { a: 1 }).raw), { a: 1, type: "toString" });
});

test("a start that another one follows is told so, and what it finds is not taken", async () => {
  const starts = [];
  const start = ({ signal }) => new Promise((resolve) => starts.push({ signal, resolve }));
  const { all, host } = dialect({ start });
  const first = all.prepare(host);
  const second = all.prepare(host);
  assert.deepEqual(starts.map(({ signal }) => signal.aborted), [true, false]);
  starts[1].resolve({ id: "b", token: "new" });
  await second;
  starts[0].resolve({ id: "a", token: "old" });
  await assert.rejects(first, { name: "AbortError" });
  assert.deepEqual([all.id, all.secret], ["b", "new"]);
});

test("what a round that another one follows would have the session be is not taken", async () => {
  const asked = [];
  const { all, host, open } = dialect({ session: () => new Promise((resolve) => asked.push(resolve)) });
  const first = all.prepare(host);
  const second = all.prepare(host);
  asked[1]({ instructions: "new" });
  await second;
  asked[0]({ instructions: "old" });
  await assert.rejects(first, { name: "AbortError" });
  open(1);
  assert.match(all.greeting[0].raw, /"instructions":"new"/);
});

/** A wording with an ear that writes down what it is told. */
function wording(dialect = {}) {
  const told = [];
  const ear = Object.fromEntries(["begin", "hear", "finish", "flush", "speech", "gate"].map((name) => [name, (what) => told.push([name, what])]));
  const listeners = new Listeners();
  const known = { hears: true, yields: true, interrupts: false, responding: false, gate: undefined, ...dialect };
  const words = new OpenAiWording(known);
  words.listen(listeners, ear);
  return { told, words, known, say: (type, payload) => listeners.message(type, payload) };
}

test("sound is gated at first, and is PCM in base64 both ways", () => {
  const { told, words, known, say } = wording();
  assert.deepEqual(told.splice(0), [["gate", false]]);
  known.gate(true);
  assert.deepEqual(told.splice(0), [["gate", true]]);
  assert.deepEqual([words.rate, words.chunk(Uint8Array.of(255, 0))], [24_000, ["input_audio_buffer.append", { audio: "/wA=" }]]);
  assert.deepEqual([words.opening(), words.closing(), words.dropped()], [[], [], []]);
  say("response.output_audio.delta", { item_id: "a", content_index: 1, delta: "/wA=" });
  say("response.output_audio.delta", { item_id: "a", content_index: 1, delta: "AAA=" });
  say("response.output_audio.delta", { item_id: "a", delta: 5 });
  say("response.output_audio.done", { item_id: "a" });
  assert.deepEqual(told, [["begin", { stream: 1, rate: 24_000 }], ["hear", "/wA="], ["hear", "AAA="], ["finish", 1]]);
});

test("where OpenAI says who speaks, it says as well who is interrupted", () => {
  for (const [dialect, hears, bargesIn] of [[{}, true, true], [{ yields: false }, true, false], [{ hears: false }, false, undefined]]) {
    const { words } = wording(dialect);
    assert.deepEqual([words.hears, words.bargesIn], [hears, bargesIn]);
  }
});

test("over RTP sound begins and ends as its buffer does", () => {
  const { told, words, say } = wording();
  told.length = 0;
  for (const [type, id] of [["started", "r1"], ["stopped", "r1"], ["started", "r2"], ["cleared", "r2"]]) say(`output_audio_buffer.${type}`, { response_id: id });
  say("output_audio_buffer.started", { response_id: "r3" });
  words.lost();
  const begin = (stream) => ["begin", { stream, rate: 24_000, rtp: true }];
  assert.deepEqual(told, [begin(1), ["finish", 1], begin(2), ["flush", 2], begin(3), ["finish", 3], ["speech", false]]);
});

test("who interrupts tells what was played, and cancels only what is under way and goes on", () => {
  const about = { stream: 1, played: 7_200, ms: 300 };
  const truncate = ["conversation.item.truncate", { item_id: "a", content_index: 0, audio_end_ms: 300, event_id: "throughline_late" }];
  const cancel = ["response.cancel", { event_id: "throughline_late" }];
  const clear = ["output_audio_buffer.clear", { event_id: "throughline_late" }];
  for (const [dialect, overSocket, overRtp] of [
    [{ responding: true }, [cancel, truncate], [cancel, clear]],
    [{ responding: false }, [truncate], [clear]],
    [{ responding: true, interrupts: true }, [truncate], []],
  ]) {
    const { words, say } = wording(dialect);
    say("response.output_audio.delta", { item_id: "a", content_index: 0, delta: "" });
    assert.deepEqual(words.interrupted({ ...about, rtp: false }), overSocket);
    assert.deepEqual(words.interrupted({ ...about, rtp: true }), overRtp);
  }
  assert.deepEqual(wording().words.interrupted({ ...about, stream: 9, rtp: false }), []);
});

test("options: what is left out, and what cannot be meant", () => {
  const plain = (options) => plainOf(options, openAiOf(options));
  assert.equal(openAiOf({ dialect: "json" }), undefined);
  assert.equal(openAiOf(undefined), undefined);
  const bare = plain({ dialect: "openai" });
  assert.deepEqual([bare.transports, bare.endpoints.webrtc, bare.webrtc], [["webrtc"], "https://api.openai.com/v1/realtime/calls", { signaling: "sdp", channel: { label: "oai-events" } }]);
  const relay = plain({ dialect: { name: "openai" }, endpoints: { websocket: "/relay" } });
  assert.deepEqual(relay.transports, ["websocket"]);
  const both = plain({ dialect: "openai", endpoints: { webrtc: "/offer", websocket: "/relay" }, webrtc: { channel: { label: "messages" }, signaling: "json" }, timing: { proof: 5 } });
  assert.deepEqual([both.transports, both.webrtc, both.timing], [["webrtc", "websocket"], { signaling: "json", channel: { label: "messages" } }, { proof: 5, open: 10_000 }]);
  for (const [name, value] of Object.entries({ sesion: {}, session: 5, start: {}, tools: { a: {} }, rollover: true, history: -1, subprotocols: "x", toString: {} })) {
    assert.throws(() => plain({ dialect: { name: "openai", [name]: value } }), { code: "bad_option" }, name);
  }
  assert.throws(() => plain({ dialect: { name: "openai", rollover: { after: "soon" } } }), { code: "bad_option" });
});
