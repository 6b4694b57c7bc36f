declare module "throughline/throughline.wasm?url" {
  const address: string;
  export default address;
}
declare module "throughline/throughline.wasm" {
  const address: string;
  export default address;
}
declare module "@rollup/plugin-node-resolve";
declare module "@rollup/plugin-url";
declare namespace Deno {
  function readFile(path: URL): Promise<Uint8Array<ArrayBuffer>>;
}
interface ImportMeta {
  resolve(name: string): string;
}
