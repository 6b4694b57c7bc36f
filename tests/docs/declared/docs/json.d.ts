declare const connect: typeof import("throughline/voice").connect;
declare const api: string;
declare const id: string;
declare function startSession(context: { signal: AbortSignal }): Promise<Response>;
declare function getToken(): Promise<string>;
