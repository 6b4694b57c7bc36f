declare module "*?url" {
  const address: string;
  export default address;
}
declare module "@rollup/plugin-node-resolve";
declare module "@rollup/plugin-url";
declare const Deno: { readFile(path: string | URL): Promise<Uint8Array<ArrayBuffer>> };
declare const readFile: typeof import("node:fs/promises").readFile;
