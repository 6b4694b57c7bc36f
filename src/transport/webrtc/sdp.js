// The few things a client must read and write in session descriptions (RFC 8866, RFC 8840, RFC 9725).

const linesOf = (text) => text.split(/\r?\n/).filter(Boolean);
const joined = (lines) => lines.map((line) => line + "\r\n").join("");
const isCandidate = (line) => /^a=(candidate:|end-of-candidates$)/.test(line);

/** The first lines that start so. */
const found = (text, starts) => {
  const lines = linesOf(text);
  return starts.map((start) => lines.find((line) => line.startsWith(start)));
};
const CREDENTIALS = ["a=ice-ufrag:", "a=ice-pwd:"];

/**
 * Writes a fragment for a PATCH: the offer's credentials and these candidates, all of them in its first section, to which the others are
 * bundled (RFC 9725 §4.3.2). Nothing if the offer has none.
 * @param {string} offer @param {string[]} candidates
 */
export function fragmentOf(offer, candidates) {
  const [group, ...needed] = found(offer, ["a=group:", "m=", "a=mid:", ...CREDENTIALS]);
  if (needed.includes(undefined)) return undefined;
  return joined([...(group ? [group] : []), ...needed, ...candidates.map((candidate) => "a=" + candidate)]);
}

/**
 * Renews an answer by the fragment that answered an ICE restart: its credentials and candidates take the place of the old ones. Nothing if
 * the fragment has no credentials.
 * @param {string} answer @param {string} fragment
 */
export function renewed(answer, fragment) {
  const credentials = found(fragment, CREDENTIALS);
  if (credentials.includes(undefined)) return undefined;
  const fresh = linesOf(fragment).filter(isCandidate);
  const lines = [];
  let sections = 0;
  for (const line of linesOf(answer)) {
    if (isCandidate(line)) continue;
    const at = CREDENTIALS.findIndex((start) => line.startsWith(start));
    lines.push(credentials[at] ?? line);
    if (line.startsWith("m=")) sections++;
    // Where the first section has its own; the others are bundled to it.
    if (at === 1 && sections) lines.push(...fresh.splice(0));
  }
  // Credentials of the whole session: the candidates are the last section's to hold.
  return joined([...lines, ...fresh]);
}
