import * as z from 'zod';
import { count, parseRecord, text, time, word } from './fields.ts';

export const MAX_MAINTENANCE_BYTES = 16 * 1024 * 1024;

/** Linux takes paths of 4,096 bytes. */
const path = z.string().max(4096);

const salvaged = z.object({
  rows: count,
  outputs: count,
  /** Outputs of the manifest that are not there. */
  missing: z.array(path).readonly(),
  /** Files that S3 did not take or that could not be read. */
  unsent: count,
});

/** What a salvage brought into the bucket. */
export type Salvaged = z.infer<typeof salvaged>;

/** A folder that is gone, relative to shared storage. */
const freed = z.object({ path, files: count, bytes: count });

export type Freed = z.infer<typeof freed>;

/** Why a folder was not removed that was gone before. */
export const NOT_THERE = 'it is not there';

const written = { jobId: word, at: time };

export const maintenanceRecord = z.discriminatedUnion('kind', [
  z.object({
    ...written,
    kind: z.literal('salvage'),
    runId: word,
    did: z.union([z.object({ refused: text }), salvaged]),
  }),
  z.object({
    ...written,
    kind: z.literal('clean'),
    /** Nothing was removed: `freed` is what would go. */
    dryRun: z.literal(true).exactOptional(),
    freed: z.array(freed).readonly(),
    kept: z.array(z.object({ path, why: text })).readonly(),
  }),
]);

/** `maintenance/<job-id>.json`: what a job that salvages or cleans did. `at` is ISO 8601 in UTC. */
export type MaintenanceRecord = z.infer<typeof maintenanceRecord>;

type Result<Record> = Record extends MaintenanceRecord ? Omit<Record, keyof typeof written> : never;

/** The same before its job has signed it. */
export type MaintenanceResult = Result<MaintenanceRecord>;

export function parseMaintenance(stored: string | undefined): MaintenanceRecord | undefined {
  return parseRecord(maintenanceRecord, stored);
}
