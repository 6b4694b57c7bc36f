export default {
  title: "Deno",
  runs: { run: ["node_modules/@deno/linux-x64-glibc/deno", "run", "--quiet", "--check", "--allow-net", "client.ts", "{server}", "{say}"] },
};
