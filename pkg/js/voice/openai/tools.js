// Tools: functions of the application's that the model calls.

import { SessionError } from "../../error.js";
import { bounded } from "../../listeners.js";

/** Milliseconds that a tool has. */
const TIMEOUT = 60_000;

export class Tools {
  #tools;
  #on;
  #over = new AbortController();
  #running = 0;
  /** Whether the model is to go on with what it was answered. @type {"nothing" | "answer"} */
  #owed = "nothing";

  /**
   * @param {Record<string, any>} tools by name @param {{ answer(call: string, output: string): void, goOn(): void, trouble(error: unknown): void, busy(): boolean }} on `busy`:
   * a response is under way
   */
  constructor(tools, on) {
    this.#tools = new Map(Object.entries(tools));
    this.#on = on;
  }

  /** How the session declares them. */
  get declared() {
    return [...this.#tools].map(([name, { description, parameters }]) => ({ type: "function", name, description, parameters }));
  }

  /** Whether one runs, or the model waits to go on. */
  get busy() {
    return this.#running > 0 || this.#owed !== "nothing";
  }

  /** @param {any} event */
  hear({ type, item }) {
    if (type === "response.output_item.done" && item?.type === "function_call" && item.status !== "incomplete" && this.#tools.has(item.name)) this.#run(item);
  }

  /** Has the model go on once all of its calls are answered and it says nothing. */
  look() {
    if (this.#owed === "nothing" || this.#running || this.#on.busy()) return;
    this.#owed = "nothing";
    this.#on.goOn();
  }

  end() {
    this.#over.abort();
  }

  async #run({ name, call_id: callId, arguments: written }) {
    this.#running++;
    const over = this.#over.signal;
    const late = new AbortController();
    const signal = AbortSignal.any([over, late.signal]);
    const run = async () => this.#tools.get(name).run(argumentsOf(written), { signal, callId });
    let output;
    try {
      const found = await bounded({ timeout: TIMEOUT, signal: over }, (resolve, reject) => run().then(resolve, reject), () => {
        late.abort();
        return new Error(`no answer within ${TIMEOUT / 1_000} s`);
      });
      output = typeof found === "string" ? found : JSON.stringify(found ?? null);
    } catch (/** @type {any} */ cause) {
      output = JSON.stringify({ error: String(cause?.message ?? cause) });
      if (!over.aborted) this.#on.trouble(new SessionError("tool_failed", { message: `the tool ${name} failed`, details: { name, callId }, cause }));
    }
    this.#running--;
    if (over.aborted) return;
    this.#owed = "answer";
    this.#on.answer(callId, output);
    this.look();
  }
}

function argumentsOf(written) {
  try {
    return JSON.parse(written || "{}");
  } catch (cause) {
    throw new SyntaxError("the arguments are not JSON", { cause });
  }
}
