const deno = ["node_modules/@deno/linux-x64-glibc/deno", "run", "--quiet", "--check", "--allow-net", "--allow-read=node_modules"];

export default {
  title: "Deno",
  tool: "@deno/linux-x64-glibc",
  runs: { text: [...deno, "client.ts", "{server}", "{say}"], wasm: [...deno, "wasm.ts", "{server}", "{say}"] },
};
