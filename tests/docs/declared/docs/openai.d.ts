declare const connect: typeof import("throughline/voice").connect;
declare const body: string;
declare function getBearer(): Promise<string>;
declare function render(...what: unknown[]): void;
declare const button: HTMLButtonElement;
