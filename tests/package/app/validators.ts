// The same types by three validators. Nothing here runs.

import { type } from "arktype";
import { connect } from "throughline";
import { schemas } from "throughline/schemas";
import * as v from "valibot";
import { z } from "zod";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function is<_T extends true>(): void {}

const session = connect({
  check: schemas({
    events: {
      ZOD: z.object({ n: z.string().transform(Number) }),
      VALIBOT: v.object({ n: v.pipe(v.string(), v.transform(Number)) }),
      ARKTYPE: type({ n: "string.numeric.parse" }),
    },
    commands: { ZOD: z.object({ n: z.string().transform(Number) }), VALIBOT: v.object({ n: v.string() }), ARKTYPE: type({ n: "string.numeric.parse" }) },
  }),
});
session.on("ZOD", ({ n }) => is<Equal<typeof n, number>>());
session.on("VALIBOT", ({ n }) => is<Equal<typeof n, number>>());
session.on("ARKTYPE", ({ n }) => is<Equal<typeof n, number>>());
session.send("ZOD", { n: "7" });
session.send("VALIBOT", { n: "7" });
session.send("ARKTYPE", { n: "7" });
// @ts-expect-error text goes in
session.send("ZOD", { n: 7 });
// @ts-expect-error text goes in
session.send("VALIBOT", { n: 7 });
// @ts-expect-error text goes in
session.send("ARKTYPE", { n: 7 });
