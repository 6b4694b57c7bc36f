// What a client reads and writes in session descriptions.

import assert from "node:assert/strict";
import { test } from "node:test";

import { fragmentOf, renewed } from "../../src/transport/webrtc/sdp.js";

const lines = (...lines) => lines.map((line) => line + "\r\n").join("");
const section = (kind, mid) => [`m=${kind} 9 X 0`, "a=ice-ufrag:Abcd", "a=ice-pwd:secret", `a=mid:${mid}`];
const OFFER = lines("v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "a=group:BUNDLE 0 1", ...section("audio", 0), ...section("application", 1));
const CANDIDATE = "candidate:1 1 udp 2 10.0.0.1 5 typ host";

test("a fragment names the first section and the credentials", () => {
  const head = ["a=group:BUNDLE 0 1", "m=audio 9 X 0", "a=mid:0", "a=ice-ufrag:Abcd", "a=ice-pwd:secret"];
  assert.equal(fragmentOf(OFFER, [CANDIDATE]), lines(...head, "a=" + CANDIDATE));
  assert.equal(fragmentOf(OFFER, []), lines(...head));
  assert.equal(fragmentOf(OFFER.replace("a=group:BUNDLE 0 1\r\n", ""), []), lines(...head.slice(1)));
  for (const none of ["v=0\r\n", "", OFFER.replaceAll("a=ice-pwd:secret\r\n", "")]) assert.equal(fragmentOf(none, [CANDIDATE]), undefined);
});

test("a renewed answer has new credentials and candidates everywhere and once", () => {
  const old = OFFER.replace("a=mid:0", "a=mid:0\r\na=candidate:9 1 udp 2 10.0.0.9 5 typ host\r\na=end-of-candidates");
  const restart = lines("a=ice-ufrag:New1", "a=ice-pwd:fresh", "m=audio 9 X 0", "a=mid:0", "a=candidate:7 1 udp 2 10.0.0.7 5 typ host");
  const answer = renewed(old, restart) ?? "";
  const count = (part) => answer.split(part).length - 1;
  assert.deepEqual(["a=ice-ufrag:New1", "a=ice-pwd:fresh", "a=candidate:7", "m="].map(count), [2, 2, 1, 2]);
  assert.deepEqual(["Abcd", "secret", "10.0.0.9", "end-of-candidates"].map(count), [0, 0, 0, 0]);
  assert.ok(answer.indexOf("a=candidate:7") < answer.indexOf("m=application"));
  for (const none of ["a=mid:0\r\n", "", "a=ice-ufrag:New1\r\n"]) assert.equal(renewed(old, none), undefined);
});

test("credentials of the whole session are renewed too", () => {
  const media = ["m=audio 9 X 0", "a=mid:0"];
  const candidate = "a=candidate:7 1 udp 2 10.0.0.7 5 typ host";
  const answer = lines("v=0", "a=ice-ufrag:a", "a=ice-pwd:b", ...media);
  const restart = lines("a=ice-ufrag:c", "a=ice-pwd:d", candidate);
  assert.equal(renewed(answer, restart), lines("v=0", "a=ice-ufrag:c", "a=ice-pwd:d", ...media, candidate));
});
