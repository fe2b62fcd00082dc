import * as z from 'zod';
import { parsedJson } from '../util/parse-json.ts';

/** Characters of a text. */
export const MAX_TEXT = 64 * 1024;

/** What records are made of. Tasks can write into a run's folder: types, ranges and lengths are checked, unknown keys are ignored. */
export const count = z.int().min(0);
/** Of seconds, hours, bytes: JSON can hold no infinite number, except as one that is too large for a double. */
export const amount = z.number().min(0);
export const time = z.iso.datetime();
/** Ids, names, addresses and nonces. */
export const word = z.string().max(1024);
/** Sentences, and the end of what a program wrote. */
export const text = z.string().max(MAX_TEXT);

/** Undefined where the field is absent and where it is none: the rest of the record counts all the same. */
export function orAbsent<Schema extends z.ZodType>(schema: Schema) {
  return schema.optional().catch(undefined);
}

/** The record that a stored text is; undefined where there is no text, or none of ours. */
export function parseRecord<Value>(schema: z.ZodType<Value>, stored: string | undefined): Value | undefined {
  return schema.safeParse(parsedJson(stored)).data;
}
