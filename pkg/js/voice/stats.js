/** A connection's sound, for what plays and records it. */
export class Media {
  #pc;
  #last;

  /** Where the microphone's track goes. */
  sender;
  /** What is to be played, once it comes. @type {MediaStream | null} */
  remote = null;
  /** Hears of it. @type {((stream: MediaStream | null) => void) | null} */
  onremote = null;

  /** @param {RTCPeerConnection} pc @param {RTCRtpSender} sender */
  constructor(pc, sender) {
    this.#pc = pc;
    this.sender = sender;
  }

  /** When the last packet of sound came that plays, on the clock of `performance.now()`; 0 where that is not known. */
  get heardAt() {
    const [source] = this.#pc.getReceivers()[0]?.getSynchronizationSources?.() ?? [];
    const at = source ? source.timestamp - performance.timeOrigin : 0;
    return at <= performance.now() ? at : 0;
  }

  /** @param {MediaStream} stream */
  heard(stream) {
    this.remote = stream;
    this.onremote?.(stream);
  }

  /** The connection's figures since the last time they were asked for. */
  async stats() {
    const entries = [...(await this.#pc.getStats()).values()];
    const { figures, sample } = figuresOf(entries, this.#last);
    this.#last = sample;
    return figures;
  }
}

const round = (n) => (Number.isFinite(n) ? Math.round(n * 10) / 10 : null);

/** Reads a report (W3C webrtc-stats): all of its members are optional, browsers leave out this and that.
 * @param {any[]} entries @param {any} [last] the sample of the time before */
export function figuresOf(entries, last) {
  const byId = new Map(entries.map((entry) => [entry.id, entry]));
  const transport = entries.find(({ type }) => type === "transport");
  const pairs = entries.filter(({ type }) => type === "candidate-pair");
  const pair = byId.get(transport?.selectedCandidatePairId) ?? pairs.find(({ selected }) => selected) ?? pairs.find(({ nominated, state }) => nominated && state === "succeeded");
  const inbound = entries.find(({ type, kind }) => type === "inbound-rtp" && kind === "audio");
  const remote = entries.find(({ type, kind }) => type === "remote-inbound-rtp" && kind === "audio");
  const local = byId.get(pair?.localCandidateId);
  const sample = pair && { at: pair.timestamp, received: pair.bytesReceived, sent: pair.bytesSent };
  const rate = (name) => (last && sample && sample.at > last.at ? round(((sample[name] - last[name]) * 8_000) / (sample.at - last.at)) : null);
  const rtt = pair?.currentRoundTripTime ?? remote?.roundTripTime;
  const [lost, received] = [inbound?.packetsLost, inbound?.packetsReceived];
  const figures = {
    rttMs: round(rtt * 1_000),
    jitterMs: round(inbound?.jitter * 1_000),
    loss: received + lost > 0 ? Math.max(0, lost) / (received + lost) : null,
    bitrateIn: rate("received"),
    bitrateOut: rate("sent"),
    localCandidate: local?.candidateType ?? null,
    remoteCandidate: byId.get(pair?.remoteCandidateId)?.candidateType ?? null,
    protocol: local?.protocol ?? null,
    relayProtocol: local?.relayProtocol ?? null,
  };
  return { figures, sample };
}
