import type { Bucket } from '../../aws/bucket.ts';
import type { ManifestSource } from '../../experiment/layout/run-id.ts';
import { makeRunId } from '../../experiment/layout/run-id.ts';
import { deploymentFaults } from '../../experiment/manifest/deployment-faults.ts';
import { makePlan } from '../../experiment/plan/make.ts';
import type { Plan } from '../../experiment/plan/plan.ts';
import type { FunctionDeps } from '../deps.ts';
import type { ControlStore } from '../stores/control-store.ts';
import { readPlan } from '../stores/run-records.ts';
import { freezeCommands } from './freeze-commands.ts';
import type { ReadManifest, Refused } from './read-manifest.ts';
import { refused } from './read-manifest.ts';

/** Where a run is kept: its records, and the functions' memory of it. */
export interface RunStores {
  bucket: Bucket;
  store: ControlStore;
}

/** What a run's job does, judged by this deployment and with its list of commands frozen; or why it is not taken. */
export async function planRun(
  deps: FunctionDeps,
  stores: RunStores,
  source: ManifestSource,
  read: ReadManifest,
): Promise<{ ok: true; plan: Plan } | Refused> {
  const { manifest } = read;
  const faults = deploymentFaults(manifest, read.source, deps.deployment);
  if (faults.length > 0) return { ok: false, faults, text: read.source.text };
  const runId = makeRunId(manifest.name, source);
  const folder = manifest.resume === undefined ? runId : await folderOf(stores, manifest.resume);
  if (typeof folder !== 'string') return folder;
  const frozen = await freezeCommands(deps, stores.bucket, runId, manifest);
  if (!frozen.ok) return frozen;
  const plan = makePlan(manifest, {
    runId,
    source,
    folder,
    deployment: deps.deployment,
    ...(frozen.frozen === undefined ? {} : { frozen: frozen.frozen }),
  });
  return { ok: true, plan };
}

/** The folder of the run that is gone on with. It must have ended: two runs in one folder would overwrite each other. */
async function folderOf({ bucket, store }: RunStores, resumed: string): Promise<string | Refused> {
  const standing = await store.read(resumed);
  const plan = standing === undefined ? undefined : await readPlan(bucket, resumed);
  if (standing === undefined || plan === undefined)
    return refused('no-such-run', `there is no run ${resumed} to go on with`, 'resume', resumed);
  if (standing.control.closedAt === undefined)
    return refused(
      'still-running',
      `${resumed} has not ended yet: wait for its end, or cancel it`,
      'resume',
      resumed,
    );
  return plan.folder;
}
