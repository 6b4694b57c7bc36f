/**
 * The sound thread's code, which is loaded by its address and never imported: serve this file and give its address as `audio.workletUrl` where the content security policy's
 * `script-src` forbids `blob:`.
 *
 * @module throughline/audio-worklet.js
 */
export {};
