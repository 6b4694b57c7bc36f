declare function show(text: string): void;
declare function note(topic: string): Promise<void>;
declare const button: HTMLButtonElement;
