import type { Control } from '../experiment/control.ts';
import { newControl, sameSource } from '../experiment/control.ts';
import { runSeconds } from '../experiment/deadline.ts';
import { RunIdCollision } from '../experiment/errors.ts';
import type { Fault } from '../experiment/faults.ts';
import type { Plan } from '../experiment/plan.ts';
import type { ManifestSource } from '../experiment/run-id.ts';
import { eventsOf } from '../experiment/run-events.ts';
import type { Bucket } from './bucket.ts';
import { ControlStore } from './control-store.ts';
import { startExecution } from './executions.ts';
import type { FunctionDeps } from './function-deps.ts';
import type { ReadManifest } from './read-manifest.ts';
import { writeRunFolder } from './run-folder.ts';
import { observe } from './status-store.ts';

/**
 * From a manifest in order to a started execution: the run's folder, the claim, the execution, in this order, so that
 * whatever is claimed can be run and whoever is killed in between leaves nothing that a repeat would not finish.
 * @throws RunIdCollision
 */
export async function startRun(
  deps: FunctionDeps,
  bucket: Bucket,
  source: ManifestSource,
  read: ReadManifest,
): Promise<{ ok: true } | { ok: false; faults: readonly Fault[] }> {
  const store = new ControlStore(bucket, deps.nonce);
  const folder = await writeRunFolder(deps, bucket, store, source, read);
  if (!folder.ok) return folder;
  const { plan } = folder;
  const control = await claim(deps, store, plan);
  if (!sameSource(control.source, source))
    throw new RunIdCollision(
      `the run ${plan.runId} belongs to s3://${control.source.bucket}/${control.source.key}: drop the manifest again under another key`,
    );
  // An execution's name is free again after 90 days: a late delivery must not run an ended experiment anew.
  if (control.closedAt !== undefined) return { ok: true };
  await observe(bucket, plan.runId, eventsOf({ now: deps.clock.now(), control, jobs: [], progress: undefined }));
  await startExecution(deps, plan);
  deps.metrics.count('ManifestAccepted');
  deps.logger.info('Manifest:Accepted', { runId: plan.runId, key: source.key, warnings: read.warnings.length });
  return { ok: true };
}

function claim(deps: FunctionDeps, store: ControlStore, plan: Plan): Promise<Control> {
  const now = deps.clock.now();
  return store.claim(
    newControl({
      runId: plan.runId,
      source: plan.source,
      nonce: deps.nonce(),
      now,
      deadlineAt: now + runSeconds(plan) * 1000,
    }),
  );
}
