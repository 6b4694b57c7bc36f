/** Milliseconds before its end at which a key is as good as expired. */
const MARGIN = 10_000;

/**
 * Finds the key in what a backend answers with, in any of the shapes that they have: `{ value }`, `{ client_secret: { value } }`, `{ client_secret }`, `{ token }`,
 * `{ ephemeral_key }`, or the key itself. `until` is when it ends by the wall clock.
 * @param {any} found @returns {{ key?: string, until: number }}
 */
export function keyOf(found) {
  const { value, client_secret: secret, token, ephemeral_key, expires_at: end = secret?.expires_at } = found ?? {};
  const key = [found, value, secret?.value, secret, token, ephemeral_key].find((text) => typeof text === "string" && text);
  return { key, until: end > 0 ? end * 1_000 - MARGIN : Infinity };
}
