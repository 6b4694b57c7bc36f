import next from "../next/cell.mjs";

export default { ...next, title: "Next.js (cache components)", app: "next", tool: "next" };
