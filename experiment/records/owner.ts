import * as z from 'zod';
import { count, parseRecord, word } from './fields.ts';

export const MAX_OWNER_BYTES = 64 * 1024;

export const ownerRecord = z.object({ jobId: word, attempt: count, nonce: word });

/** `runs/<run-id>/owner.json`: the job that may run it. */
export type Owner = z.infer<typeof ownerRecord>;

export function parseOwner(stored: string | undefined): Owner | undefined {
  return parseRecord(ownerRecord, stored);
}
