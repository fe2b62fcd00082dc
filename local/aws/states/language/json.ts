import { runtimeError, StateError } from './error.ts';

/** Payload of one state: 256 KiB of JSON as UTF-8. */
const MAX_BYTES = 262_144;

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

export function isJsonObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value from outside as Step Functions sees it: what JSON keeps of it, and null for nothing. */
export function asJson(value: unknown): Json {
  return value === undefined ? null : (JSON.parse(JSON.stringify(value) ?? 'null') as Json);
}

/** @throws StateError `States.DataLimitExceeded` for what no state may take or give */
export function withinLimit(value: Json, what: string): Json {
  const text = JSON.stringify(value);
  // No text of a third as many characters can be too long: the common case costs no second pass.
  if (text.length * 3 > MAX_BYTES && Buffer.byteLength(text) > MAX_BYTES)
    throw new StateError(
      'States.DataLimitExceeded',
      `${what} is over the limit of ${MAX_BYTES} bytes: it has ${Buffer.byteLength(text)}. Keep it in the bucket and hand on its key.`,
    );
  return value;
}

/** @throws StateError `States.Runtime` */
export function textOf(value: Json, what: string): string {
  if (typeof value === 'string') return value;
  throw runtimeError(`${what} must be text, and is ${JSON.stringify(value)}`);
}

/** Seconds as a field or a path gives them. @throws StateError `States.Runtime` */
export function secondsOf(value: Json, what: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 99_999_999) return value;
  throw runtimeError(
    `${what} must be a whole number of seconds up to 99,999,999, and is ${JSON.stringify(value)}`,
  );
}
