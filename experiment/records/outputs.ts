import * as z from 'zod';
import { count, parseRecord, word } from './fields.ts';

/** A line for each file that a run has sent. */
export const MAX_OUTPUT_INDEX_BYTES = 256 * 1024 * 1024;

/** Linux takes paths of 4,096 bytes. */
const path = z.string().max(4096);

const outputIndex = z.object({
  files: z.array(z.object({ path, size: count, sha256: word })).readonly(),
  /** Paths named in the manifest at which nothing was found. */
  missing: z.array(path).readonly(),
  /** How many files could not be sent; node 0's log names each. Absent when all were. */
  unsent: count.optional(),
});

/** `runs/<run-id>/outputs/index.json`. */
export type OutputIndex = z.infer<typeof outputIndex>;

export function parseOutputIndex(stored: string | undefined): OutputIndex | undefined {
  return parseRecord(outputIndex, stored);
}
