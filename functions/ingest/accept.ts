import { JSON_TYPE, TEXT_TYPE } from '../../aws/bucket.ts';
import type { ManifestSource } from '../../experiment/layout/run-id.ts';
import { makeRunId } from '../../experiment/layout/run-id.ts';
import { renderFaults } from '../../experiment/manifest/source/fault.ts';
import type { Plan } from '../../experiment/plan/plan.ts';
import { renderPlan } from '../../experiment/plan/plan.ts';
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
  if (standing !== undefined) refuseOther(standing.control, source);
  const planned = standing === undefined ? await planRun(deps, stores.bucket, source, read) : undefined;
  if (planned?.ok === false) return planned;
  if (planned !== undefined && planned.warnings.length > 0) {
    const { bucket, records } = stores;
    await bucket.write(
      records.keys.warnings,
      renderFaults(planned.warnings, source.key, read.source.text),
      TEXT_TYPE,
    );
  }
  const control = standing?.control ?? (planned && (await claim(deps, stores, planned.plan, read.bytes)));
  if (control === undefined) return { ok: true };
  refuseOther(control, source);
  const plan = await stores.records.plan(control.planSha256);
  // An execution's name is free again after 90 days: a late delivery must not run an ended experiment anew. A plan that was
  // written over is submitted by nobody: settle ends that run.
  if (control.closedAt !== undefined || plan === undefined) return { ok: true };
  await stores.records.observe(eventsOf({ now: deps.clock.now(), control, jobs: [], progress: undefined }));
  await startExecution(deps, plan);
  deps.metrics.count('ManifestAccepted');
  deps.logger.info('Manifest:Accepted', { runId, key: source.key, warnings: planned?.warnings.length });
  return { ok: true };
}

async function claim(
  deps: FunctionDeps,
  { bucket, control, records: { keys } }: RunStores,
  plan: Plan,
  manifest: Uint8Array,
): Promise<Control> {
  await bucket.write(keys.manifest, manifest, 'application/yaml');
  const { text, sha256 } = renderPlan(plan);
  const isWritten = await bucket.writeIf(keys.plan, text, { ifAbsent: true });
  const now = deps.clock.now();
  const standing = await control.claim(
    newControl({
      runId: plan.runId,
      source: plan.source,
      nonce: deps.nonce(),
      now,
      deadlineAt: now + runSeconds(plan) * 1000,
      planSha256: sha256,
    }),
  );
  // Another plan lay there: of a call that was killed, or of somebody else's. Whose claim stands writes its own.
  if (!isWritten && standing.planSha256 === sha256) await bucket.write(keys.plan, text, JSON_TYPE);
  return standing;
}

function refuseOther(control: Control, source: ManifestSource): void {
  if (sameSource(control.source, source)) return;
  throw new RunIdCollision(
    `the run ${control.runId} belongs to s3://${control.source.bucket}/${control.source.key}: drop the manifest again under another key`,
  );
}
