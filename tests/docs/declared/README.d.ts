declare function fetchToken(signal: AbortSignal): Promise<string>;
declare function render(text: string): void;
declare const wifi: HTMLElement;
declare const button: HTMLButtonElement;
declare function show(text: string): void;
declare function light(who: "user" | "agent", speaking: boolean): void;
declare function note(text: string): void;
