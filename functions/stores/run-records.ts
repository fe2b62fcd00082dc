import type { Bucket } from '../../aws/bucket.ts';
import { runKeys } from '../../experiment/layout/bucket-keys.ts';
import type { Plan } from '../../experiment/plan/plan.ts';
import { parsePlan } from '../../experiment/plan/plan.ts';
import type { NodeRecord } from '../../experiment/records/nodes.ts';
import { MAX_NODES_BYTES, parseNodes } from '../../experiment/records/nodes.ts';
import type { OutputIndex } from '../../experiment/records/outputs.ts';
import { MAX_OUTPUT_INDEX_BYTES, parseOutputIndex } from '../../experiment/records/outputs.ts';
import type { Owner } from '../../experiment/records/owner.ts';
import { MAX_OWNER_BYTES, parseOwner } from '../../experiment/records/owner.ts';
import type { Progress } from '../../experiment/records/progress.ts';
import { MAX_PROGRESS_BYTES, parseProgress } from '../../experiment/records/progress.ts';

/** What the run's job does; undefined where there is no plan, or none that this version wrote: the run must end all the same. */
export async function readPlan(bucket: Bucket, runId: string): Promise<Plan | undefined> {
  const found = await bucket.readUntrusted(runKeys(runId).plan);
  return parsePlan(found?.text);
}

/** The job that may run the experiment; undefined while none has taken it, or when the record cannot be read. */
export async function readOwner(bucket: Bucket, runId: string): Promise<Owner | undefined> {
  const found = await bucket.readUntrusted(runKeys(runId).owner, { maxBytes: MAX_OWNER_BYTES });
  return parseOwner(found?.text);
}

/** Node 0's last words, or undefined where there are none that can be read. */
export async function readProgress(bucket: Bucket, runId: string): Promise<Progress | undefined> {
  const found = await bucket.readUntrusted(runKeys(runId).progress, { maxBytes: MAX_PROGRESS_BYTES });
  return parseProgress(found?.text);
}

/** Node 0's table of nodes; empty where there is none. */
export async function readNodes(bucket: Bucket, runId: string): Promise<NodeRecord[]> {
  const found = await bucket.readUntrusted(runKeys(runId).nodes, { maxBytes: MAX_NODES_BYTES });
  return parseNodes(found?.text) ?? [];
}

/** What node 0 sent of the outputs; undefined where the manifest names none, or nothing that can be read. */
export async function readOutputs(bucket: Bucket, runId: string): Promise<OutputIndex | undefined> {
  const found = await bucket.readUntrusted(runKeys(runId).outputIndex, { maxBytes: MAX_OUTPUT_INDEX_BYTES });
  return parseOutputIndex(found?.text);
}
