/** Tells `host.media` which connection's sound is the session's: that of the link that owns it, `null` where that has none. */
export function watchCarrier(host) {
  let told = null;
  host.moved = () => {
    const carried = host.transport === "webrtc";
    const links = [...host.links.values()].filter((link) => link.media);
    // Without `take`, the latest one is the session's.
    const owner = links.includes(host.owner) ? host.owner : links.at(-1);
    const media = (carried && owner?.media) || null;
    if (media === told) return;
    told = media;
    host.media?.(media);
  };
  return () => told;
}
