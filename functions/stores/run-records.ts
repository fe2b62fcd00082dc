import * as z from 'zod';
import type { Bucket } from '../../aws/bucket.ts';
import { runKeys } from '../../experiment/layout/bucket-keys.ts';
import type { Plan } from '../../experiment/plan/plan.ts';
import { parsePlan } from '../../experiment/plan/plan.ts';
import type { Owner } from '../../experiment/records/owner.ts';
import { MAX_OWNER_BYTES, parseOwner } from '../../experiment/records/owner.ts';
import type { NodeRecord, OutputIndex, Progress } from '../../experiment/records/progress.ts';
import { MAX_PROGRESS_BYTES, parseProgress } from '../../experiment/records/progress.ts';
import { parsedJson } from '../../experiment/util/parse-json.ts';

const outputs = z.object({
  files: z.array(z.object({ path: z.string(), size: z.number(), sha256: z.string() })),
  missing: z.array(z.string()),
  unsent: z.number().optional(),
});

/** A line for each file that a run has sent. */
const MAX_INDEX_BYTES = 256 * 1024 * 1024;

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
  const found = await bucket.readUntrusted(runKeys(runId).nodes);
  const parsed = z
    .array(z.looseObject({ index: z.int(), state: z.string() }))
    .safeParse(parsedJson(found?.text));
  return parsed.success ? (parsed.data as unknown as NodeRecord[]) : []; // The runner wrote it from the same type.
}

/** What node 0 sent of the outputs; undefined where the manifest names none, or nothing that can be read. */
export async function readOutputs(bucket: Bucket, runId: string): Promise<OutputIndex | undefined> {
  const found = await bucket.readUntrusted(runKeys(runId).outputIndex, { maxBytes: MAX_INDEX_BYTES });
  return outputs.safeParse(parsedJson(found?.text)).data;
}
