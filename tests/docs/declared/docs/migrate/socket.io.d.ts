declare function getToken(): Promise<string>;
declare function show(text: string): void;
