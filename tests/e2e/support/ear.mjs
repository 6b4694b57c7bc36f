// What is heard, told from the samples that the page's loudspeaker is given.

/** Milliseconds of a buffer in which browsers hand sound from one context to the other, and a little: one gap of that length is theirs. What we let run dry, `glitches` counts. */
export const BLOCK = 11;

/**
 * Runs in the page: `window.ear` tells from now on when what the page's `<audio>` plays is loud, in seconds of the audio clock. `silences()` are the gaps between, in
 * milliseconds, `heard()` how long it was loud, `close()` ends it.
 */
export async function listenIn() {
  const context = new AudioContext({ latencyHint: "interactive" });
  const tap = `registerProcessor("tap", class extends AudioWorkletProcessor {
    loud = false;
    process([[samples]]) {
      let energy = 0;
      for (const sample of samples ?? []) energy += sample * sample;
      const loud = energy / 128 > 0.0009;
      if (loud !== this.loud) this.port.postMessage({ loud: (this.loud = loud), at: currentTime });
      return true;
    }
  })`;
  await context.audioWorklet.addModule(URL.createObjectURL(new Blob([tap], { type: "text/javascript" })));
  context.resume();
  const changes = [];
  const node = new AudioWorkletNode(context, "tap", { numberOfOutputs: 0 });
  node.port.onmessage = ({ data }) => changes.push(data);
  const hear = () => {
    const stream = document.querySelector("audio")?.srcObject;
    if (!stream) return false;
    context.createMediaStreamSource(stream).connect(node);
    return true;
  };
  if (!hear()) {
    const watch = new MutationObserver(() => hear() && watch.disconnect());
    watch.observe(document, { childList: true, subtree: true });
  }
  window.ear = {
    changes,
    get loud() {
      return changes.at(-1)?.loud ?? false;
    },
    silences: () => changes.flatMap(({ loud, at }, i) => (loud || !changes[i + 1] ? [] : [Math.round(1_000 * (changes[i + 1].at - at))])),
    heard: () => changes.reduce((sum, { loud, at }, i) => sum + (loud ? (changes[i + 1]?.at ?? context.currentTime) - at : 0), 0),
    close: () => context.close(),
  };
}

/** How late the latest of a row of frames of 20 ms came, beside the first one, in milliseconds. */
export const lateness = (times) => Math.max(0, ...times.map((at, i) => at - times[0] - 20 * i));
