import next, { run } from "../next/cell.mjs";

export default {
  ...next,
  title: "Next.js (webpack)",
  app: "next",
  dev: { ...next.dev, command: [...next.dev.command, "--webpack"] },
  build: { ...next.build, command: run("build", "--webpack") },
};
