import { Bucket } from '../../aws/bucket.ts';
import type { S3Port } from '../../aws/ports.ts';
import { runKeys } from '../../experiment/layout/bucket-keys.ts';
import type { Plan } from '../../experiment/plan/plan.ts';
import { isPlan, MAX_PLAN_BYTES, planSha256 } from '../../experiment/plan/plan.ts';
import type { Clock } from '../../experiment/util/clock.ts';
import type { RunnerConfig } from '../process/environment.ts';
import { untilAnswered } from '../transfer/retry-start.ts';

export type LoadedPlan = { ok: true; plan: Plan } | { ok: false; what: string };

/** Reads `plan.json`, which ingest wrote before it started anything. Never rejects. @param signal aborted when told to end */
export async function loadPlan(
  s3: S3Port,
  config: RunnerConfig,
  clock: Clock,
  signal: AbortSignal,
): Promise<LoadedPlan> {
  const { plan: key } = runKeys(config.runId);
  const where = `s3://${config.bucket}/${key}`;
  const bucket = new Bucket(s3, config.bucket, clock);
  try {
    const found = await untilAnswered(() => bucket.read(key, { maxBytes: MAX_PLAN_BYTES }), clock, signal);
    if (found === undefined)
      return { ok: false, what: `${where} is not there, or the job’s role may not read it` };
    if (config.planSha256 !== undefined && planSha256(found.text) !== config.planSha256)
      return { ok: false, what: `${where} is not the plan that was submitted: it was written over since` };
    const plan: unknown = JSON.parse(found.text);
    if (!isPlan(plan))
      return { ok: false, what: `${where} is not a plan of version 1: deploy image and functions together` };
    if (plan.runId !== config.runId) return { ok: false, what: `${where} is the plan of ${plan.runId}` };
    if (plan.cluster.nodes !== config.nodes)
      return {
        ok: false,
        what: `${where} is for ${plan.cluster.nodes} nodes, and the job has ${config.nodes}`,
      };
    return { ok: true, plan };
  } catch (error) {
    return { ok: false, what: `${where}: ${error instanceof Error ? error.message : String(error)}` };
  }
}
