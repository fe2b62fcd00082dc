import * as z from 'zod';
import { count, parseRecord, time } from './fields.ts';

/** 1,000 nodes with three figures of 240 points. */
export const MAX_LOAD_BYTES = 8 * 1024 * 1024;
export const MAX_POINTS = 240;
const MAX_NODES = 1000;
/** No run takes years. */
const MAX_SECONDS = 30 * 86_400;

export const share = z.number().min(0).max(1);
/** Point i is the mean from `from` + i × `seconds` on; null where the node told nothing in that time. */
const points = z.array(share.nullable()).max(MAX_POINTS).readonly();

export const loadRecord = z.object({
  version: z.literal(1),
  /** Between two points. */
  seconds: z.number().min(1).max(MAX_SECONDS),
  from: time,
  /** Of those that told anything, by index. */
  nodes: z
    .array(
      z.object({
        node: count,
        /** Of the vCPUs and the memory that the job has there; on the local system of the machine's. */
        cpu: points,
        memory: points,
        /** How full the node's own disk is. */
        disk: points,
      }),
    )
    .max(MAX_NODES)
    .readonly(),
});

/** `runs/<run-id>/load.json`, written by node 0 only: the load of each node over time, of this attempt. */
export type Load = z.infer<typeof loadRecord>;

export function parseLoad(stored: string | undefined): Load | undefined {
  return parseRecord(loadRecord, stored);
}
