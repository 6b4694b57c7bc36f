// The event script of System D: both spellings tell the conversation that it says they tell.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const SCRIPT = JSON.parse(readFileSync(new URL("../../www/servers/d-events.json", import.meta.url), "utf8"));
/** The names of today for those before. */
const RENAMED = {
  "response.audio.done": "response.output_audio.done",
  "response.audio_transcript.delta": "response.output_audio_transcript.delta",
  "response.audio_transcript.done": "response.output_audio_transcript.done",
  "response.text.delta": "response.output_text.delta",
  "response.text.done": "response.output_text.done",
  "conversation.item.created": "conversation.item.added",
};
const LISTS = { ga: SCRIPT.ga, older: SCRIPT.older };
const ofType = (list, type) => list.map(({ event }) => event).filter((event) => event.type === type);

for (const [name, list] of Object.entries(LISTS)) {
  test(`${name}: events come in time's order, each with an id of its own`, () => {
    for (const [at, { event }] of list.entries()) assert.ok(at === 0 || list[at - 1].at <= list[at].at, event.type);
    assert.equal(new Set(list.map(({ event }) => event.event_id)).size, list.length);
    assert.deepEqual(Object.keys(list[0]), ["at", "event"]);
  });

  test(`${name}: what is told piece by piece is what is told at the end, and is the conversation`, () => {
    const pieces = new Map();
    const wholes = new Map();
    for (const { event } of list) {
      const { item_id: id, type } = event;
      if (/(text|transcript|transcription|arguments)\.delta$/.test(type)) pieces.set(id, (pieces.get(id) ?? "") + event.delta);
      if (/(text|transcript|transcription|arguments)\.(done|completed)$/.test(type)) wholes.set(id, event.transcript ?? event.text ?? event.arguments);
    }
    assert.deepEqual([...pieces].sort(), [...wholes].sort());
    for (const { id, text } of SCRIPT.conversation) assert.equal(wholes.get(id), text, id);
    const [{ name: called, arguments: given }] = SCRIPT.calls;
    assert.deepEqual(ofType(list, "response.output_item.done").filter(({ item }) => item.type === "function_call").map(({ item }) => [item.name, JSON.parse(item.arguments)]), [[called, given]]);
    assert.equal(wholes.size, SCRIPT.conversation.length + SCRIPT.calls.length);
  });

  test(`${name}: each item has its place in the conversation, and its end`, () => {
    const added = ofType(list, name === "ga" ? "conversation.item.added" : "conversation.item.created");
    let previous = null;
    for (const { item, previous_item_id } of added) {
      assert.equal(previous_item_id, previous, item.id);
      previous = item.id;
    }
    const agents = SCRIPT.conversation.filter(({ who }) => who === "agent").map(({ id, status }) => [id, status]);
    const done = ofType(list, "response.output_item.done").filter(({ item }) => item.role === "assistant").map(({ item }) => [item.id, item.status]);
    assert.deepEqual(done, agents);
    const users = SCRIPT.conversation.filter(({ who }) => who === "user").map(({ id }) => id);
    assert.deepEqual(ofType(list, "input_audio_buffer.speech_started").map(({ item_id }) => item_id), users);
    assert.deepEqual(ofType(list, "input_audio_buffer.speech_stopped").map(({ item_id }) => item_id), users);
  });

  test(`${name}: speech cuts an answer off, and a transcript comes after the answer to it has begun`, () => {
    const order = list.map(({ event }) => event);
    const place = (type, id) => order.findIndex((event) => event.type === type && [event.item_id, event.response_id, event.response?.id].includes(id));
    assert.ok(place("output_audio_buffer.started", "resp_002") < place("input_audio_buffer.speech_started", "item_004"));
    assert.ok(place("input_audio_buffer.speech_started", "item_004") < place("output_audio_buffer.cleared", "resp_002"));
    assert.equal(order[place("response.done", "resp_002")].response.status, "cancelled");
    assert.ok(place("response.created", "resp_002") < place("conversation.item.input_audio_transcription.completed", "item_002"));
    assert.equal(ofType(list, "error").length, 1);
  });
}

test("the older names are the names of today, save for what has none", () => {
  const today = SCRIPT.ga.map(({ event }) => event.type).filter((type) => type !== "conversation.item.done");
  assert.deepEqual(SCRIPT.older.map(({ event }) => RENAMED[event.type] ?? event.type), today);
  for (const [older, ga] of Object.entries(RENAMED)) {
    assert.ok(ofType(SCRIPT.older, older).length, older);
    assert.equal(ofType(SCRIPT.ga, older).length, 0, older);
    assert.equal(ofType(SCRIPT.older, ga).length, 0, ga);
  }
});

test("contents and sessions are spelled as each had them", () => {
  const kinds = (list) => new Set(ofType(list, "response.output_item.done").flatMap(({ item }) => (item.content ?? []).map(({ type }) => type)));
  assert.deepEqual([...kinds(SCRIPT.ga)], ["output_audio", "output_text"]);
  assert.deepEqual([...kinds(SCRIPT.older)], ["audio", "text"]);
  const [ga, older] = [SCRIPT.ga, SCRIPT.older].map((list) => ofType(list, "session.created")[0].session);
  assert.deepEqual([ga.output_modalities, ga.audio.output.format.type, ga.modalities], [["audio"], "audio/pcm", undefined]);
  assert.deepEqual([older.modalities, older.output_audio_format, older.audio], [["audio", "text"], "pcm16", undefined]);
});
