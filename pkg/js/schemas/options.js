const POLICIES = ["drop", "pass", "fail"];

/**
 * Refuses what cannot be meant, and finds schemas by type.
 * @param {any} options @param {any} SessionError the session's own @param {(type: string) => string} fold
 */
export function read(options, SessionError, fold) {
  const fail = (message) => {
    throw new SessionError("bad_option", { message });
  };
  if (typeof options !== "object" || options === null) fail("schemas() takes an object");
  const { events, commands, replies, invalid = "drop", ...rest } = options;
  const [odd] = Object.keys(rest);
  if (odd !== undefined) fail(`schemas() has no option ${odd}`);
  if (!POLICIES.includes(invalid)) fail(`invalid must be one of ${POLICIES.join(", ")}`);
  /** @type {(name: string, schemas: any, fold?: (type: string) => string) => Map<string, any>} */
  const map = (name, schemas = {}, fold = (type) => type) => {
    if (typeof schemas !== "object" || schemas === null) fail(`${name} must be schemas by type`);
    for (const [type, schema] of Object.entries(schemas)) {
      if (typeof schema?.["~standard"]?.validate !== "function") fail(`${name}.${type} is no Standard Schema`);
    }
    return new Map(Object.entries(schemas).map(([type, schema]) => [fold(type), schema]));
  };
  return { events: map("events", events, fold), commands: map("commands", commands), replies: map("replies", replies), invalid };
}
