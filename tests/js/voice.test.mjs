// What WebRTC needs of the page and no browser for: parts, ICE servers, answers, figures, and what errors may tell.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";

import { Joiner, Outlet, cut, messageLimit } from "../../src/transport/webrtc/channel.js";
import { IceServers, normalised } from "../../src/transport/webrtc/ice.js";
import { checkWebRtc } from "../../src/transport/webrtc/options.js";
import { redact, shortened } from "../../pkg/js/voice/redact.js";
import { figuresOf } from "../../pkg/js/voice/stats.js";
import { fragmentOf, renewed } from "../../src/transport/webrtc/sdp.js";
import { answerIn, requestOf, serversIn } from "../../src/transport/webrtc/signal.js";

const joined = (messages, limit = 1 << 20) => {
  const joiner = new Joiner(limit);
  return messages.map((message) => joiner.push(typeof message === "string" ? message : message.slice().buffer));
};
const part = (flags, ...bytes) => Uint8Array.from([0, 0, flags, ...bytes]);

test("a unit in parts is the unit again, text or bytes", () => {
  for (const text of ["[1]", "ż".repeat(40_000), "🦆".repeat(60_001)]) {
    assert.equal(joined(cut(text)).at(-1), text);
  }
  for (const length of [1, 60_000, 60_001, 180_000]) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i % 255) + 1);
    const messages = cut(bytes);
    assert.equal(messages.length, Math.ceil(length / 60_000));
    assert.deepEqual(new Uint8Array(joined(messages).at(-1)), bytes);
  }
});

test("what is no part, or too much, or in between, is refused", () => {
  const bad = [
    [part(0)],
    [part(4, 1)],
    [Uint8Array.from([0, 0])],
    [part(0, 1), part(3, 1)],
    [part(0, 1), "[1]"],
    [part(0, 1), Uint8Array.from([0, 3, 1])],
    [part(3, 0xff)],
    [new Uint8Array(60_004)],
  ];
  for (const messages of bad) assert.throws(() => joined(messages), undefined, String(messages));
  assert.throws(() => joined([part(0, 1, 2), part(1, 3)], 2), RangeError);
  assert.throws(() => joined(["[1234]"], 3), RangeError);
  assert.equal(joined([part(2, 97), part(3, 98), part(3, 99)]).join(), ",ab,c");
});

test("what a full channel does not take waits, in order, until it has emptied", () => {
  const sent = [];
  const channel = {
    readyState: "open",
    bufferedAmount: 0,
    send(message) {
      sent.push(message);
      channel.bufferedAmount += message.length;
    },
  };
  const outlet = new Outlet(channel);
  const messages = Array.from({ length: 60 }, (_, i) => String(i).padEnd(60_000));
  outlet.write(messages);
  outlet.write(["last"]);
  // The first message over 1 MiB is the last that goes.
  assert.equal(sent.length, Math.floor((1 << 20) / 60_000) + 1);
  assert.equal(channel.bufferedAmountLowThreshold, 1 << 16);
  channel.bufferedAmount = 1 << 16;
  channel.onbufferedamountlow();
  assert.ok(sent.length > 18 && sent.length < 61);
  outlet.close();
  assert.deepEqual(sent, [...messages, "last"]);
  assert.equal(channel.onbufferedamountlow, null);
  channel.readyState = "closed";
  outlet.write(["too late"]);
  assert.equal(sent.length, 61);
});

const OFFER =
  "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\na=group:BUNDLE 0 1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\na=ice-ufrag:Abcd\r\na=ice-pwd:secret\r\na=mid:0\r\n" +
  "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=ice-ufrag:Abcd\r\na=ice-pwd:secret\r\na=mid:1\r\n";

test("a fragment names the first section and the credentials", () => {
  const lines = fragmentOf(OFFER, ["candidate:1 1 udp 2 10.0.0.1 5 typ host"]).split("\r\n");
  for (const line of ["m=audio 9 UDP/TLS/RTP/SAVPF 111 0", "a=mid:0", "a=ice-ufrag:Abcd", "a=ice-pwd:secret", "a=candidate:1 1 udp 2 10.0.0.1 5 typ host"]) {
    assert.equal(lines.filter((other) => other === line).length, 1, line);
  }
  assert.ok(!fragmentOf("v=0\r\n", []));
});

test("a renewed answer has new credentials everywhere, new candidates once, and nothing of the old", () => {
  const answer = OFFER.replace("a=mid:0", "a=mid:0\r\na=candidate:9 1 udp 2 10.0.0.9 5 typ host");
  const restart = "a=ice-ufrag:New1\r\na=ice-pwd:fresh\r\nm=audio 9 X 0\r\na=mid:0\r\na=candidate:7 1 udp 2 10.0.0.7 5 typ host\r\n";
  const text = renewed(answer, restart);
  const times = (part) => text.split(part).length - 1;
  assert.deepEqual(["a=ice-ufrag:New1", "a=ice-pwd:fresh", "a=candidate:7"].map(times), [2, 2, 1]);
  assert.deepEqual(["Abcd", "secret", "10.0.0.9"].map(times), [0, 0, 0]);
  assert.ok(text.indexOf("a=candidate:7") < text.indexOf("m=application"));
  assert.ok(!renewed(answer, "a=mid:0\r\n"));
});

test("a message is as long as the other side allows, and no longer than 256 KiB", () => {
  const remote = (sdp) => ({ remoteDescription: { sdp } });
  assert.equal(messageLimit({ sctp: { maxMessageSize: 100_000 } }), 100_000);
  assert.equal(messageLimit({ sctp: { maxMessageSize: Infinity } }), 1 << 18);
  assert.equal(messageLimit(remote("v=0\r\na=max-message-size:70000\r\n")), 70_000);
  assert.equal(messageLimit(remote("v=0\r\na=max-message-size:0\r\n")), 1 << 18);
  assert.equal(messageLimit(remote("v=0\r\n")), 1 << 16);
});

test("ICE servers are read in every shape", () => {
  const plain = { urls: ["turn:t.example:3478"], username: "u", credential: "c" };
  const named = { urls: "turn:t.example:3478", username: "u", credential: "c" };
  const shapes = {
    "a list": [named],
    "one by itself": named,
    "Cloudflare": { iceServers: { urls: ["turn:t.example:3478", "turn:t.example:53?transport=udp", "stun:t.example:53"], username: "u", credential: "c" } },
    "a list of iceServers": { iceServers: [{ url: "turn:t.example:3478", username: "u", credential: "c" }] },
    "Twilio": { ice_servers: [{ url: "turn:t.example:3478", urls: "turn:t.example:3478", username: "u", credential: "c" }], ttl: "86400" },
    "Xirsys": { v: { iceServers: { urls: ["turn:t.example:3478"], username: "u", credential: "c" } }, s: "ok" },
  };
  for (const [name, shape] of Object.entries(shapes)) assert.deepEqual(normalised(shape).servers, [plain], name);
  assert.deepEqual(normalised([{ urls: "stun:a.example:5349" }, { urls: "stun:a.example:53" }]).servers, [{ urls: ["stun:a.example:5349"] }]);
  for (const none of [null, undefined, 7, "x", {}, [{}], { v: "no such channel", s: "error" }, { iceServers: [{ urls: [5] }] }]) {
    assert.throws(() => normalised(none), undefined, JSON.stringify(none));
  }
});

test("ICE servers live as long as they say", () => {
  const life = (more) => normalised({ iceServers: [], ...more }).lifetime;
  assert.equal(life({ ttl: 600 }), 600_000);
  assert.equal(life({ ttl: "86400" }), 86_400_000);
  assert.equal(life({ lifetimeDuration: "3600s" }), 3_600_000);
  assert.equal(life({}), 300_000);
  const soon = Date.now() + 7_200_000;
  for (const end of [soon, soon / 1_000, new Date(soon).toISOString()]) {
    assert.ok(Math.abs(life({ expires_at: end }) - 7_200_000) < 5_000, String(end));
  }
  assert.equal(life({ expiresAt: 1 }), 0);
});

test("ICE servers are asked for once while they are fresh, and the token goes to their own origin alone", async () => {
  const asked = [];
  const server = createServer((request, response) => {
    asked.push(request.headers.authorization);
    response.end(JSON.stringify({ iceServers: [{ urls: "stun:a.example" }], ttl: asked.length === 1 ? 600 : 0 }));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const url = `http://127.0.0.1:${server.address().port}`;
    const { signal } = new AbortController();
    const ice = new IceServers(`${url}/ice`);
    assert.equal(ice.known(), undefined);
    await ice.find(signal, `${url}/realtime`, "sesame");
    assert.deepEqual(ice.known(), [{ urls: ["stun:a.example"] }]);
    await ice.find(signal, "http://other.example/realtime", "sesame");
    assert.equal(ice.known(), undefined, "a lifetime of 0 is over at once");
    assert.deepEqual(asked, ["Bearer sesame", undefined]);
  } finally {
    server.close();
  }
  assert.deepEqual(new IceServers(undefined).known(), []);
});

test("an answer is found whatever it is wrapped in", () => {
  const sdp = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\n";
  const told = [sdp, "\r\n" + sdp, JSON.stringify({ sdp }), JSON.stringify({ answer: { sdp, type: "answer" } }), JSON.stringify({ transport: { type: "webrtc", sdp } }), JSON.stringify({ answer: sdp }), JSON.stringify(sdp), { sdp }];
  for (const text of told) assert.equal(answerIn(text), sdp);
  for (const text of ["", "<html>", "{}", "null", '{"error":{"message":"no"}}', undefined, null, 7]) assert.equal(answerIn(text), undefined);
});

test("servers of a Link header", () => {
  const header = '<stun:s.example>; rel="ice-server", <turn:t.example?transport=udp>; rel="ice-server"; username="u,1"; credential="p;\\"q"; credential-type="password", </next>; rel=next';
  assert.deepEqual(serversIn(header), [{ urls: ["stun:s.example"] }, { urls: ["turn:t.example?transport=udp"], username: "u,1", credential: 'p;\\"q' }]);
  assert.deepEqual(serversIn("nonsense"), []);
});

test("a request has the token in its header and never in its address", async () => {
  const host = { token: "sesame", credentials: "omit" };
  const make = (signaling, method, etag, body) => requestOf(host, signaling, method, new URL("http://a.example/realtime"), etag, body);
  const whip = make({ name: "whip" }, "POST", undefined, "v=0");
  assert.equal(whip.headers.get("authorization"), "Bearer sesame");
  assert.equal(whip.headers.get("content-type"), "application/sdp");
  assert.equal(whip.url, "http://a.example/realtime");
  assert.equal(await whip.text(), "v=0");
  const patch = make({ name: "whip" }, "PATCH", '"3"', "a=mid:0");
  assert.deepEqual([patch.headers.get("if-match"), patch.headers.get("content-type")], ['"3"', "application/trickle-ice-sdpfrag"]);
  const json = make({ name: "json", fields: { sdp: "offer", token: null }, body: { sessionId: 7 } }, "POST", undefined, "v=0");
  assert.deepEqual(await json.json(), { sessionId: 7, offer: "v=0" });
  assert.deepEqual(await make({ name: "json" }, "POST", undefined, "v=0").json(), { token: "sesame", sdp: "v=0" });
});

test("what is told has no secrets in it", () => {
  const told = redact('{"error":"no","token":"abc.def","nested":{"client_secret":{"value":"ek_0123456789ab"}},"credential":"x y","x":"Authorization: Bearer zzz"} sesame a=ice-pwd:qwertyuiop', "sesame");
  for (const secret of ["abc.def", "ek_0123456789ab", "x y", "zzz", "sesame", "qwertyuiop"]) assert.ok(!told.includes(secret), `${secret} in ${told}`);
  assert.match(told, /"error":"no"/);
  const long = redact("ż".repeat(600), undefined);
  assert.ok(new TextEncoder().encode(long).length <= 512, String(long.length));
  assert.equal(shortened("host 192.168.17.4 port 9, 2001:db8:1:2:3:4:5:6"), "host 192.168.x.x port 9, 2001:db8::x");
});

test("figures are read where they are, and null where they are not", () => {
  const report = (at, received) => [
    { id: "T", type: "transport", selectedCandidatePairId: "P" },
    { id: "P", type: "candidate-pair", timestamp: at, currentRoundTripTime: 0.0123, bytesReceived: received, bytesSent: 10, localCandidateId: "L", remoteCandidateId: "R" },
    { id: "L", type: "local-candidate", candidateType: "relay", protocol: "udp", relayProtocol: "tls" },
    { id: "R", type: "remote-candidate", candidateType: "host" },
    { id: "I", type: "inbound-rtp", kind: "audio", jitter: 0.004, packetsLost: 5, packetsReceived: 95 },
  ];
  const first = figuresOf(report(1_000, 0));
  const { figures } = figuresOf(report(3_000, 1_000), first.sample);
  const known = { rttMs: 12.3, jitterMs: 4, loss: 0.05, bitrateIn: 4_000, bitrateOut: 0 };
  assert.deepEqual(figures, { ...known, localCandidate: "relay", remoteCandidate: "host", protocol: "udp", relayProtocol: "tls" });
  assert.ok(Object.values(figuresOf([]).figures).every((figure) => figure === null));
  const old = [{ id: "P", type: "candidate-pair", nominated: true, state: "succeeded", localCandidateId: "L" }, { id: "L", type: "local-candidate", candidateType: "host" }];
  assert.equal(figuresOf(old).figures.localCandidate, "host");
});

test("options that cannot be meant are refused", () => {
  const bad = [
    { webrtc: 7 }, { webrtc: { signaling: "smoke" } }, { webrtc: { signaling: { name: "custom" } } }, { webrtc: { iceServers: 7 } },
    { webrtc: { iceTransportPolicy: "none" } }, { webrtc: { gathering: "soon" } }, { webrtc: { channel: { ordered: false } } },
    { webrtc: { channel: { maxRetransmits: 1, maxPacketLifeTime: 1 } }, dialect: "json" }, { webrtc: { channel: { label: 7 } } },
  ];
  for (const options of bad) assert.throws(() => checkWebRtc(options), { code: "bad_option" }, JSON.stringify(options));
  const good = [{}, { webrtc: {} }, { webrtc: { signaling: () => "v=0", iceServers: [] } }, { webrtc: { channel: { ordered: false } }, dialect: { name: "json" } }];
  for (const options of good) checkWebRtc(options);
});
