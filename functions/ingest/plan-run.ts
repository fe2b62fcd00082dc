import type { Bucket } from '../../aws/bucket.ts';
import type { ManifestSource } from '../../experiment/layout/run-id.ts';
import { isRunId, makeRunId } from '../../experiment/layout/run-id.ts';
import { deploymentFaults } from '../../experiment/manifest/deployment-faults.ts';
import { commandFileOf, resumedRun } from '../../experiment/manifest/parse.ts';
import type { Fault } from '../../experiment/manifest/source/fault.ts';
import { makePlan } from '../../experiment/plan/make.ts';
import type { Plan } from '../../experiment/plan/plan.ts';
import type { FunctionDeps } from '../deps.ts';
import { storesOf } from '../stores/run-stores.ts';
import { freezeCommands } from './freeze-commands.ts';
import { missesAmongInputs } from './list-among-inputs.ts';
import type { ReadManifest, Refused } from './read-manifest.ts';
import { refused } from './read-manifest.ts';

/** What a run's job does, judged by this deployment and with its list of commands frozen; or why it is not taken. */
export async function planRun(
  deps: FunctionDeps,
  bucket: Bucket,
  source: ManifestSource,
  read: ReadManifest,
): Promise<{ ok: true; plan: Plan; warnings: readonly Fault[] } | Refused> {
  const { manifest } = read;
  const faults = deploymentFaults(manifest, read.source, deps.deployment);
  if (faults.length > 0) return { ok: false, faults, text: read.source.text };
  const runId = makeRunId(manifest.name, source);
  const resumed = resumedRun(manifest);
  const folder = resumed === undefined ? runId : await folderOf(deps, resumed.run);
  if (typeof folder !== 'string') return folder;
  const frozen = await freezeCommands(deps, bucket, runId, manifest);
  if (!frozen.ok) return frozen;
  const plan = makePlan(manifest, {
    runId,
    source,
    folder,
    deployment: deps.deployment,
    ...(frozen.frozen === undefined ? {} : { frozen: frozen.frozen }),
    tableSha256: frozen.tableSha256,
  });
  const { work, inputs } = plan;
  const file = commandFileOf(manifest);
  const isBrought = file?.key === 'file' && work.kind === 'commands' && work.file.kind === 'in-work';
  const misses = isBrought ? await missesAmongInputs(deps, inputs, file) : (frozen.warnings ?? []);
  return { ok: true, plan, warnings: [...read.warnings, ...misses] };
}

/** The folder of the run that is gone on with. It must have ended: two runs in one folder would overwrite each other. */
async function folderOf(deps: FunctionDeps, resumed: string): Promise<string | Refused> {
  const { control, records } = storesOf(deps, resumed);
  const standing = await control.read();
  const plan = standing && (await records.plan(standing.control.planSha256));
  if (standing === undefined || plan === undefined || !isRunId(plan.folder))
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
