/**
 * Looks at payloads by the schemas of zod, valibot, arktype or any other validator that speaks Standard Schema.
 *
 * @module throughline/schemas
 */

import type { Payload, PayloadCheck } from "./index.js";

/** A schema of any validator that speaks Standard Schema (https://standardschema.dev): zod, valibot, arktype and others. */
export interface Schema<Input = unknown, Output = Input> {
  /** What Standard Schema asks of a validator. */
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** What a validator makes of a payload. */
export type SchemaResult<Output> = { readonly value: Output; readonly issues?: undefined } | { readonly issues: readonly Issue[] };

/** Why a payload is not as its schema says. */
export interface Issue {
  /** What is wrong, in the validator's words. */
  readonly message: string;
  /** Where in the payload. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** `error.details` of an error with code `invalid`. */
export interface Invalid {
  /** The message's type. */
  type: string;
  /** What the validator found. */
  issues: readonly Issue[];
}

/** Schemas by type. */
export type Schemas = Record<string, Schema<any, any>>;

/** What `schemas()` takes. A type that has no schema is not looked at. */
export interface SchemaOptions<Events extends Schemas, Commands extends Schemas, Replies extends Schemas> {
  /** Of messages that come. Listeners get what the schema makes of a payload. @default none */
  events?: Events;
  /** Of what `send()` and `request()` take. What the schema makes of it is sent. @default none */
  commands?: Commands;
  /** Of what `request()` resolves with, by the command's type. @default none */
  replies?: Replies;
  /**
   * What becomes of a message that is not as its schema says, besides the event `error` with code `invalid`:
   *
   * - `"drop"`: nobody hears it.
   * - `"pass"`: it is heard as it came; so is what is sent, and replies.
   * - `"fail"`: the session ends with that error.
   *
   * With `"drop"` and `"fail"`, `send()` and `request()` reject with that error, of a command before it is sent.
   * @default "drop"
   */
  invalid?: "drop" | "pass" | "fail";
}

type Out<S> = { [K in keyof S]: S[K] extends Schema<any, infer Output> ? Output : never };
type In<S> = { [K in keyof S]: S[K] extends Schema<infer Input, any> ? Input : never };

/**
 * Makes the option `check` of `connect()`, of either entry: payloads are looked at when they come and before they are sent, in their order, and their types are
 * those of the schemas. A validator that takes its time has 12 s; what comes behind it waits, up to 10 000 messages.
 *
 * @example
 * const session = connect({
 *   url: "/realtime",
 *   check: schemas({ events: { AI_MESSAGE: z.object({ text: z.string() }) }, commands: { USER_MESSAGE: z.object({ text: z.string() }) } }),
 * });
 */
export function schemas<Events extends Schemas = Any, Commands extends Schemas = Any, Replies extends Schemas = Any>(
  options: SchemaOptions<Events, Commands, Replies>,
): PayloadCheck<Out<Events>, In<Commands>, Out<Replies>>;

/** Any type, and any payload. */
type Any = Record<string, Schema<Payload, Payload>>;

export {};
