// @ts-nocheck the audio thread's scope is in no library of types.
// Runs on the audio thread: the microphone's samples to PCM16 and levels, the server's PCM16 to the loudspeaker.
// Loaded from a file of its own or from a blob, so it imports nothing.

/** Milliseconds of one frame: its level is told, and its samples where somebody wants them. */
const FRAME = 20;
/** Zero crossings of the resampler's kernel on each side. */
const CROSSINGS = 24;
/** Share of the lower rate's band that is kept: what lies above would come back as an alias. */
const BAND = 0.88;
/** Milliseconds from a stream's first sample to its first sound: the margin for what comes late. */
const [LEAST_MARGIN, MOST_MARGIN] = [60, 120];
const MARGIN_STEP = 20;
/** Share of the first burst that is the margin at least; a server that sends this many milliseconds at once is ahead anyway. */
const BURST_SHARE = 0.6;
const AHEAD = 500;
/** Milliseconds of a fade. */
const FADE = 6;
/** Seconds without sound after which a loose stream has ended. */
const LULL = 0.4;
/** Seconds of sound that wait at the most. */
const MOST_WAITING = 300;

/** Stands for what does not come: a track that is switched off has no channel in some browsers. */
const SILENCE = new Float32Array(128);

const divisor = (a, b) => (b ? divisor(b, a % b) : a);

/** A polyphase filter (windowed sinc, Blackman) from one rate to another. */
class Resampler {
  #kernel;
  #phase = 0;
  /** What is not used up yet; the first samples are the silence before the first. */
  #held;

  constructor(from, to) {
    const common = divisor(from, to);
    this.up = to / common;
    this.down = from / common;
    const scale = Math.min(1, to / from);
    const half = Math.ceil(CROSSINGS / scale);
    /** Input samples that an output sample is made of. */
    this.taps = from === to ? 1 : 2 * half;
    this.#held = new Float32Array(this.taps >> 1);
    this.#kernel = Array.from({ length: this.up }, (_, phase) => {
      if (this.taps === 1) return Float32Array.of(1);
      const taps = Float32Array.from({ length: this.taps }, (_, i) => {
        const x = i + 1 - half - phase / this.up;
        const at = x / half;
        const angle = Math.PI * BAND * scale * x;
        const sinc = angle ? Math.sin(angle) / angle : 1;
        return sinc * (0.42 + 0.5 * Math.cos(Math.PI * at) + 0.08 * Math.cos(2 * Math.PI * at));
      });
      const sum = taps.reduce((sum, tap) => sum + tap, 0);
      return taps.map((tap) => tap / sum);
    });
  }

  /** Input samples that are still needed before `count` output samples can be made. */
  needs(count) {
    if (count <= 0) return 0;
    const last = Math.floor((this.#phase + (count - 1) * this.down) / this.up);
    return Math.max(0, last + this.taps - this.#held.length);
  }

  /** Takes samples and returns what they make. */
  push(samples) {
    const input = new Float32Array(this.#held.length + samples.length);
    input.set(this.#held);
    input.set(samples, this.#held.length);
    const { up, down, taps } = this;
    const output = [];
    let at = 0;
    while (at + taps <= input.length) {
      const kernel = this.#kernel[this.#phase];
      let sum = 0;
      for (let i = 0; i < taps; i++) sum += kernel[i] * input[at + i];
      output.push(sum);
      const phase = this.#phase + down;
      at += Math.floor(phase / up);
      this.#phase = phase % up;
    }
    this.#held = input.slice(at);
    return output;
  }
}

/** Clamped, since what is over full scale would wrap around to a click. */
const toPcm = (sample) => Math.round(Math.max(-1, Math.min(1, sample)) * 32767);

/** Tells the level of each frame, and its samples at `rate` while the page wants them. */
class Capture extends AudioWorkletProcessor {
  #frame;
  #length = 0;
  #resampler;
  #wanted = false;
  #over = false;

  constructor({ processorOptions: { rate } }) {
    super();
    this.#frame = new Float32Array(Math.round((sampleRate * FRAME) / 1000));
    this.#resampler = new Resampler(sampleRate, rate);
    this.port.onmessage = ({ data }) => {
      if (data === "end") this.#over = true;
      else this.#wanted = data;
    };
  }

  process([[samples = SILENCE]]) {
    for (let from = 0; from < samples.length; ) {
      const part = samples.subarray(from, from + this.#frame.length - this.#length);
      this.#frame.set(part, this.#length);
      this.#length += part.length;
      from += part.length;
      if (this.#length === this.#frame.length) this.#tell();
    }
    return !this.#over;
  }

  #tell() {
    this.#length = 0;
    const energy = this.#frame.reduce((sum, sample) => sum + sample * sample, 0);
    // It always runs, so that what it is asked for begins without a click.
    const pcm = Int16Array.from(this.#resampler.push(this.#frame), toPcm);
    const told = { rms: Math.sqrt(energy / this.#frame.length) };
    if (this.#wanted) this.port.postMessage({ ...told, pcm }, [pcm.buffer]);
    else this.port.postMessage(told);
  }
}

/** One stream of the server's: what of it waits, and how much was played. */
class Stream {
  #chunks = [];
  #resampler;
  /** Samples made that a read had no room for. */
  #over = [];
  ended = false;
  ranDry = false;
  waiting = 0;
  #taken = 0;
  #from;
  /** When its first sample came, since it last ran dry. */
  since = Infinity;
  /** When it last ran out. */
  dryAt = Infinity;
  /** What is to be told of it if more comes: that it ran low. */
  low;

  /** @param {number} id @param {number} rate @param {number} from samples of it that came another way @param {boolean} loose whether its end is told by nothing but a lull */
  constructor(id, rate, from, loose) {
    this.id = id;
    this.rate = rate;
    this.loose = loose;
    this.#from = from;
    this.#resampler = new Resampler(rate, sampleRate);
  }

  push(samples) {
    if (this.waiting > MOST_WAITING * this.rate) return;
    this.#chunks.push(samples);
    this.waiting += samples.length;
    this.since = Math.min(this.since, currentTime);
  }

  /** Samples of the stream that have been heard. */
  get played() {
    const inside = this.ended && !this.waiting ? 0 : this.#resampler.taps >> 1;
    return this.#from + Math.max(0, this.#taken - inside);
  }

  /** Samples of the context's rate that what waits makes. */
  get left() {
    return (this.waiting * sampleRate) / this.rate;
  }

  /** Fills `output` as far as it goes and returns how far that is. */
  read(output) {
    const needed = this.#resampler.needs(output.length - this.#over.length);
    const samples = new Float32Array(Math.min(needed, this.waiting));
    for (let at = 0; at < samples.length; ) {
      const [chunk] = this.#chunks;
      const part = chunk.subarray(0, samples.length - at);
      for (const sample of part) samples[at++] = sample / 32768;
      if (part.length === chunk.length) this.#chunks.shift();
      else this.#chunks[0] = chunk.subarray(part.length);
    }
    this.waiting -= samples.length;
    this.#taken += samples.length;
    const made = [...this.#over, ...this.#resampler.push(samples)];
    this.#over = made.splice(output.length);
    output.set(made);
    return made.length;
  }
}

/**
 * Plays streams one after another. Each begins a margin after its first sample came; one that runs dry fades out, waits for that margin
 * anew, which has then grown, and fades in. A loose one that runs dry has ended, unless more of it comes before a lull has passed.
 */
class Playback extends AudioWorkletProcessor {
  /** @type {Stream[]} */
  #streams = [];
  #playing = false;
  /** What ends with the fade that is under way: streams by id, all of them for `null`. */
  #flushing;
  #gain = 0;
  #margin = LEAST_MARGIN;
  /** Whether what plays has run low. */
  #low = false;
  /** The loose stream that ended last. */
  #ended;
  #over = false;

  constructor() {
    super();
    this.port.onmessage = ({ data }) => this.#hear(data);
  }

  #hear({ start, rate, from = 0, loose = false, pcm, end, flush, over }) {
    const last = this.#streams.at(-1);
    if (start !== undefined) {
      // What begins anew, perhaps after it came another way, ends what was before.
      if (last) last.ended = true;
      this.#streams.push(new Stream(start, rate, from, loose));
    }
    if (pcm) this.#take(last ?? this.#again(), pcm);
    if (end !== undefined) for (const stream of this.#streams) if (stream.id === end) stream.ended = true;
    if (flush !== undefined) this.#flushing = flush;
    if (over) this.#over = true;
  }

  #take(stream, pcm) {
    if (stream?.low) this.#ranLow(stream, stream.low);
    stream?.push(pcm);
  }

  /** Goes on with a loose stream whose end the page did not know of when it sent more. */
  #again() {
    const stream = this.#ended;
    if (stream) this.#streams.push(new Stream(stream.id, stream.rate, stream.played, true));
    return this.#streams.at(-1);
  }

  process(_, [[output]]) {
    const stream = this.#streams[0];
    if (this.#flushing !== undefined && !this.#fadesOut(stream)) this.#flush();
    else if (stream) this.#play(stream, output);
    return !this.#over;
  }

  /** Whether what is to be dropped can still be heard. */
  #fadesOut(stream) {
    return this.#playing && this.#gain > 0 && (this.#flushing === null || this.#flushing === stream?.id);
  }

  #play(stream, output) {
    if (!this.#playing) {
      if (stream.loose && !stream.waiting && currentTime - stream.dryAt > LULL) stream.ended = true;
      if (!stream.ended && 1000 * (currentTime - stream.since) < this.#marginOf(stream)) return;
      this.#playing = true;
      this.#low = false;
      if (stream.waiting) this.port.postMessage({ playing: stream.id });
    }
    const made = stream.read(output);
    const fade = (FADE * sampleRate) / 1000;
    const left = stream.left + made;
    const fading = this.#fadesOut(stream);
    this.#look(stream, left - made <= fade);
    for (let i = 0; i < made; i++) {
      // Out before it runs dry; in again as soon as there is more.
      const dry = !stream.ended && left - i <= fade;
      const step = fading || dry ? -1 : 1;
      this.#gain = Math.max(0, Math.min(1, this.#gain + step / fade));
      output[i] *= this.#gain;
    }
    if (made === output.length) return;
    this.#playing = false;
    this.#gain = 0;
    stream.since = Infinity;
    stream.dryAt = currentTime;
    if (stream.ended) {
      this.#streams.shift();
      this.#ended = stream.loose ? stream : undefined;
      if (!stream.ranDry) this.#margin = Math.max(LEAST_MARGIN, this.#margin - MARGIN_STEP);
      this.port.postMessage({ ended: stream.id, played: stream.played });
    }
  }

  #marginOf({ waiting, rate }) {
    const burst = (1000 * waiting) / rate;
    return burst < AHEAD ? Math.max(this.#margin, Math.min(MOST_MARGIN, burst * BURST_SHARE)) : this.#margin;
  }

  /** Tells of each time that a stream runs low, which is heard, and gives the next one more time. */
  #look(stream, low) {
    if (stream.ended || low === this.#low) return;
    this.#low = low;
    if (!low) return;
    const about = { dry: stream.id, played: stream.played };
    if (stream.loose) stream.low = about;
    else this.#ranLow(stream, about);
  }

  #ranLow(stream, about) {
    stream.low = undefined;
    stream.ranDry = true;
    this.#margin = Math.min(MOST_MARGIN, this.#margin + MARGIN_STEP);
    this.port.postMessage(about);
  }

  /** Drops what is not played of one stream or of all, and tells how much was. */
  #flush() {
    const gone = this.#streams.filter(({ id }) => this.#flushing === null || id === this.#flushing);
    if (gone.includes(this.#streams[0])) this.#playing = false;
    this.#streams = this.#streams.filter((stream) => !gone.includes(stream));
    this.port.postMessage({ flushed: gone.map(({ id, played, rate }) => ({ stream: id, played, rate })) });
    this.#flushing = this.#ended = undefined;
    this.#gain = 0;
  }
}

registerProcessor("throughline-capture", Capture);
registerProcessor("throughline-playback", Playback);
