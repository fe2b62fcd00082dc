import type { ManifestSource } from '../../experiment/layout/run-id.ts';
import { makeRunId } from '../../experiment/layout/run-id.ts';
import type { Plan } from '../../experiment/plan/plan.ts';
import { runSeconds } from '../../experiment/plan/time-limits.ts';
import type { Control } from '../../experiment/records/control.ts';
import { newControl, sameSource } from '../../experiment/records/control.ts';
import { eventsOf } from '../../experiment/status/observed-events.ts';
import { RunIdCollision } from '../../experiment/util/errors.ts';
import type { FunctionDeps } from '../deps.ts';
import { startExecution } from '../stores/executions.ts';
import type { RunStores } from '../stores/run-stores.ts';
import { storesOf } from '../stores/run-stores.ts';
import { planRun } from './plan-run.ts';
import type { ReadManifest, Refused } from './read-manifest.ts';

/**
 * From a manifest in order to a started execution: the run's folder, the claim, the execution, in this order, so that
 * whatever is claimed can be run, and whoever is killed in between leaves nothing that a repeat would not finish.
 * @throws RunIdCollision when the id belongs to another manifest
 */
export async function startRun(
  deps: FunctionDeps,
  source: ManifestSource,
  read: ReadManifest,
): Promise<{ ok: true } | Refused> {
  const runId = makeRunId(read.manifest.name, source);
  const stores = storesOf(deps, runId);
  // What was accepted once stays accepted, whatever the deployment allows by now.
  const standing = await stores.control.read();
  const known = standing === undefined ? undefined : await stores.records.plan();
  if (standing !== undefined) refuseOther(standing.control, source);
  const planned = known === undefined ? await planRun(deps, stores.bucket, source, read) : undefined;
  if (planned?.ok === false) return planned;
  const plan = known ?? planned?.plan;
  if (plan === undefined) return { ok: true };
  const control = standing?.control ?? (await claim(deps, stores, plan, read.bytes));
  refuseOther(control, source);
  // An execution's name is free again after 90 days: a late delivery must not run an ended experiment anew.
  if (control.closedAt !== undefined) return { ok: true };
  await stores.records.observe(eventsOf({ now: deps.clock.now(), control, jobs: [], progress: undefined }));
  await startExecution(deps, plan);
  deps.metrics.count('ManifestAccepted');
  deps.logger.info('Manifest:Accepted', { runId, key: source.key, warnings: read.warnings.length });
  return { ok: true };
}

async function claim(
  deps: FunctionDeps,
  { bucket, control, records: { keys } }: RunStores,
  plan: Plan,
  manifest: Uint8Array,
): Promise<Control> {
  await bucket.write(keys.manifest, manifest, 'application/yaml');
  await bucket.write(keys.plan, JSON.stringify(plan, undefined, 1), 'application/json');
  const now = deps.clock.now();
  return control.claim(
    newControl({
      runId: plan.runId,
      source: plan.source,
      nonce: deps.nonce(),
      now,
      deadlineAt: now + runSeconds(plan) * 1000,
    }),
  );
}

function refuseOther(control: Control, source: ManifestSource): void {
  if (sameSource(control.source, source)) return;
  throw new RunIdCollision(
    `the run ${control.runId} belongs to s3://${control.source.bucket}/${control.source.key}: drop the manifest again under another key`,
  );
}
