/** Characters of what a server said that an error may hold. */
const EXCERPT = 512;

const SECRETS = /((?:"?\b\w*(?:token|secret|credential|password|passwd|authorization|api_?key|ice-pwd|ice-ufrag)\w*"?)\s*[:=]\s*)("(?:[^"\\]|\\.)*"?|(?:bearer\s+)?[^\s,;&}"]+)/gi;

/** Takes out of a text what must not be told: tokens and credentials, by their names and by the one that is known. */
export function redact(text, token, limit = EXCERPT) {
  let clean = String(text);
  if (token) clean = clean.replaceAll(token, "…");
  clean = clean.replace(SECRETS, "$1…").replace(/\b(?:ek|sk)[_-][\w-]{8,}/g, "…").replace(/\beyJ[\w-]+\.[\w-]+\.[\w-]*/g, "…");
  const bytes = new TextEncoder().encode(clean);
  if (bytes.length <= limit) return clean;
  return new TextDecoder().decode(bytes.subarray(0, limit - 3), { stream: true }) + "…";
}

/** Shortens the addresses in a text to the networks they are in. */
export const shortened = (text) =>
  text.replace(/\b(\d{1,3}\.\d{1,3})\.\d{1,3}\.\d{1,3}\b/g, "$1.x.x").replace(/\b([0-9a-f]{1,4}:[0-9a-f]{1,4}):(?:[0-9a-f]{0,4}:){1,6}[0-9a-f]{0,4}/gi, "$1::x");
