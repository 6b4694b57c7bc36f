// Sound through functions that are cut off: numbered frames go into system C's store by a clock, and a page tells what came of them.

/** 20 ms of a tone that goes on from frame to frame, as PCM16 at 24 kHz; the lowest bits of its first 16 samples are the frame's number. Runs in the page, too. */
export function frame(number) {
  const pcm = new Int16Array(480);
  for (let i = 0; i < pcm.length; i++) {
    const sample = Math.round(8_000 * Math.sin((2 * Math.PI * 440 * (number * pcm.length + i)) / 24_000));
    pcm[i] = i < 16 ? (sample & ~1) | ((number >> i) & 1) : sample;
  }
  return new Uint8Array(pcm.buffer);
}

/** Puts `count` frames into a session's store, 50 a second, one after another. */
export async function speakInto(url, sessionId, count) {
  const since = performance.now();
  for (let number = 0; number < count; number++) {
    const early = since + 20 * number - performance.now();
    if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
    const response = await fetch(`${url}/api/audio-upload`, { method: "POST", body: JSON.stringify({ sessionId, audioData: Buffer.from(frame(number)).toString("base64") }) });
    if (!response.ok) throw new Error(`the store answered ${response.status}`);
  }
}

/** Runs in the page: opens a session by the recipe's code and notes what it hears, and tells once it is connected. Returns the server's name of the session. */
export async function hearCuts(code, url, timing) {
  const { connectVoice } = await harness.module(code);
  let name;
  const { fetch } = window;
  window.fetch = async (address, init) => {
    const response = await fetch(address, init);
    if (String(address).endsWith("/start-session")) name = (await response.clone().json()).sessionId;
    return response;
  };
  const session = connectVoice({ api: `${url}/api`, prompt: "p", transports: ["sse"], remember: false, timing });
  const told = { numbers: [], came: [], states: [], errors: [] };
  session.once("transport", () => session.on("state", ({ to }) => told.states.push({ to, after: told.numbers.length })));
  session.on("error", ({ code }) => told.errors.push(code));
  session.on("audio", ({ audio }) => {
    const head = atob(audio.slice(0, 44));
    told.came.push(performance.now());
    told.numbers.push(Array.from({ length: 16 }, (_, i) => (head.charCodeAt(2 * i) & 1) << i).reduce((sum, bit) => sum + bit));
  });
  window.heard = { session, told };
  return harness.until(() => name);
}

/** Runs in the page: says frames from number `from` on itself, 50 a second. Returns why some were not taken. @param {string} source of `frame` */
export async function speakHere(source, from, count) {
  const { session } = heard;
  const frame = (0, eval)(`(${source})`);
  await harness.until(() => session.state === "connected");
  const sends = [];
  const since = performance.now();
  for (let number = from; number < count; number++) {
    const early = since + 20 * (number - from) - performance.now();
    if (early > 0) await harness.sleep(early);
    sends.push(harness.outcome(session.send("sound", frame(number))));
  }
  return (await Promise.all(sends)).flatMap(({ error }) => error?.code ?? []);
}

/** Runs in the page: waits until the last frame was played, or, where frames may be lost, nothing came for two seconds. */
export async function endOfCuts(count, lossy) {
  const { session, told } = heard;
  const over = () => told.numbers.includes(count - 1) || (lossy && told.came.length && performance.now() - told.came.at(-1) > 2_000);
  await harness.until(over, 30_000, () => JSON.stringify([told.numbers.length, session.explain()]));
  // Some browsers show a stream only with its first byte: one that has nothing to say is no link.
  const states = told.states.filter(({ to }) => to !== "connected");
  const errors = [...told.errors];
  await harness.until(() => !session.audio.isAgentSpeaking);
  const { glitches } = await session.audio.stats();
  const seen = { ...told, states, errors, glitches, silences: ear.silences(), heard: ear.heard() };
  await session.close();
  return seen;
}

/** What became of numbered frames. */
export function tally(numbers, count) {
  const seen = new Set(numbers);
  const reordered = numbers.filter((number, i) => number < Math.max(-1, ...numbers.slice(Math.max(0, i - 100), i))).length;
  return { lost: count - seen.size, doubled: numbers.length - seen.size, reordered };
}
