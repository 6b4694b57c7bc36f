declare const connect: typeof import("throughline/voice").connect;
declare const button: HTMLButtonElement;
declare const hint: HTMLElement;
declare function show(text: string): void;
declare function light(who: "user" | "agent", speaking: boolean): void;
declare function note(text: string): void;
declare function mark(step: string, status: string, ms: number): void;
