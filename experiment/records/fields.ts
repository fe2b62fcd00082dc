import * as z from 'zod';
import { parsedJson } from '../util/parse-json.ts';

/** What records are made of. Tasks can write into a run's folder: types, ranges and lengths are checked, unknown keys are ignored. */
export const count = z.int().min(0);
/** Ids, names, addresses and nonces. */
export const word = z.string().max(1024);

/** The record that a stored text is; undefined where there is no text, or none of ours. */
export function parseRecord<Value>(schema: z.ZodType<Value>, stored: string | undefined): Value | undefined {
  return schema.safeParse(parsedJson(stored)).data;
}
