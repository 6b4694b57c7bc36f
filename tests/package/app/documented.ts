import { connect } from "throughline";
import { schemas } from "throughline/schemas";
import { z } from "zod";

const session = connect({
  url: "/realtime",
  check: schemas({
    events: { AI_MESSAGE: z.object({ text: z.string(), at: z.iso.datetime().transform((at) => new Date(at)) }) },
    commands: { START: z.object({ role: z.string() }) },
    replies: { START: z.object({ id: z.string() }) },
  }),
});

session.on("AI_MESSAGE", ({ text, at }) => console.log(at.toLocaleTimeString(), text));
const { id } = await session.request("START", { role: "engineer" });
console.log(id);
