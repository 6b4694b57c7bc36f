/**
 * Sends a stream through two peer connections of the page's own: what comes out counts as the other side's voice, which every browser's echo
 * canceller takes out of the microphone.
 * @returns {Promise<{ stream: MediaStream, close(): void }>}
 */
export async function loopback(stream) {
  const [near, far] = [new RTCPeerConnection(), new RTCPeerConnection()];
  const close = () => {
    for (const peer of [near, far]) {
      peer.onicecandidate = peer.ontrack = null;
      peer.close();
    }
  };
  try {
    near.onicecandidate = ({ candidate }) => candidate && far.addIceCandidate(candidate).catch(() => {});
    far.onicecandidate = ({ candidate }) => candidate && near.addIceCandidate(candidate).catch(() => {});
    const arrived = new Promise((resolve) => (far.ontrack = ({ track, streams }) => resolve(streams[0] ?? new MediaStream([track]))));
    for (const track of stream.getTracks()) near.addTrack(track, stream);
    for (const [from, to] of [[near, far], [far, near]]) {
      await from.setLocalDescription();
      await to.setRemoteDescription(/** @type {RTCSessionDescription} */ (from.localDescription));
    }
    return { stream: /** @type {MediaStream} */ (await arrived), close };
  } catch (error) {
    close();
    throw error;
  }
}
