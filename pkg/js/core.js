/** What the core is told, by number: `Core::tell` in src/session.rs. */
export const CONNECT = 0;
export const CLOSE = 1;
export const CANCEL = 2;
export const TOKEN = 3;
export const TIMEOUT = 4;
export const ENVIRONMENT = 5;
export const SEND = 17;
