import * as z from 'zod';
import { amount, count, parseRecord, text, time, word } from './fields.ts';

export const MAX_NODES_BYTES = 16 * 1024 * 1024;
const MAX_NODES = 1000;

export const nodeState = z.enum(['joined', 'late', 'lost', 'never-came', 'released']);

export type NodeState = z.infer<typeof nodeState>;

const node = z.object({
  index: count,
  /** Absent for a node that never came. */
  address: word.exactOptional(),
  slots: count,
  state: nodeState,
  tasks: count,
  busySeconds: amount,
  cpus: count.exactOptional(),
  joinedAt: time.exactOptional(),
  lostAt: time.exactOptional(),
  releasedAt: time.exactOptional(),
  /** Why the node was given up, in a sentence. */
  lostBecause: text.exactOptional(),
  /** Why the node took no more tasks although it was there, in its own words. */
  leftOutBecause: text.exactOptional(),
  /** How far its clock is ahead of node 0's (negative: behind); only of a clock that is wrong. */
  clockAheadSeconds: z.number().exactOptional(),
  /** Highest memory of the node's container, from its cgroup. */
  peakMemoryMiB: amount.exactOptional(),
  /** CPU time of all that ran in it, from its cgroup, since it began. */
  cpuSeconds: amount.exactOptional(),
  versions: z.record(word, word).readonly().exactOptional(),
});

/** One entry of `runs/<run-id>/nodes.json`. */
export type NodeRecord = z.infer<typeof node>;

export const nodesRecord = z.array(node).max(MAX_NODES);

/** `runs/<run-id>/nodes.json`, written by node 0 only. */
export function parseNodes(stored: string | undefined): NodeRecord[] | undefined {
  return parseRecord(nodesRecord, stored);
}
