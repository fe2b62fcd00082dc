import { basename } from 'node:path';
import type { Command } from '@commander-js/extra-typings';
import type { Bucket } from '../../../aws/bucket.ts';
import { isManifestKey, runKeys } from '../../../experiment/layout/bucket-keys.ts';
import type { ManifestSource } from '../../../experiment/layout/run-id.ts';
import { makeRunId } from '../../../experiment/layout/run-id.ts';
import { parseManifest } from '../../../experiment/manifest/parse.ts';
import { manifestFormat } from '../../../experiment/manifest/source/read.ts';
import { parsePlan } from '../../../experiment/plan/plan.ts';
import { isOutcome } from '../../../experiment/records/outcome.ts';
import { editedText } from '../../../submission/edit-manifest.ts';
import { example, RUN_NEEDED_HELP, runIdArgument, withSystem } from '../../context/arguments.ts';
import type { Context, Running } from '../../context/context.ts';
import { byFullId, confirmed, destinationOf, namedRun, statusOf } from '../../context/select-run.ts';
import type { LiveTarget } from '../../context/target.ts';
import { CommandFailed } from '../../errors/failure.ts';
import { withLiveSystem } from '../../local-system/system-here.ts';
import { changedSpoken } from './changed-inputs.ts';
import { tellDropped } from './submit.ts';

/** `sierra-batch resume RUN` */
export function defineResume(program: Command, { begin }: Running): void {
  withSystem(program.command('resume'))
    .summary('run what is missing or failed of an ended run')
    .description(
      'Submits the same manifest with `resume:` as a new run, in the same folder: only what is new or failed runs. Says beforehand how much that is; where nothing is left to run or to send, nothing is started. Its inputs are those that were sent then: after a change of a program use `run … --resume`. Where no local system is up, it keeps one up as `run` does, and watches.',
    )
    .argument('<run>', RUN_NEEDED_HELP, runIdArgument)
    .option('--watch', 'stay and watch the new run')
    .option('--yes', 'without asking')
    .addHelpText('after', example('sierra-batch resume speed-sweep-0123456789a --watch'))
    .action((run, options) => begin(options, (context) => resume(context, run, options)));
}

export async function resume(
  context: Context,
  named: string,
  options: { watch?: true | undefined; yes?: true | undefined },
): Promise<number> {
  return withLiveSystem(context, options.yes, (here, target) => resumeIn(here, target, named, options));
}

async function resumeIn(
  context: Context,
  target: LiveTarget,
  named: string,
  { yes, watch }: { watch?: true | undefined; yes?: true | undefined },
): Promise<number> {
  const runId = await namedRun(target, named);
  const { state } = await statusOf(target, runId);
  if (!isOutcome(state))
    throw new CommandFailed(`the run ${runId} is ${state}: only a run that has ended can be resumed`);
  const bucket = await target.live.bucket();
  const sent = await manifestOf(bucket, runId);
  const { manifest, source, fileName } = sent;
  const changed = await changedSpoken(context.cwd, bucket, runId, sent);
  if (changed !== undefined) context.terminal.remark(changed);
  await confirmed(context, {
    message: `Resume ${runId} (${state})?`,
    yes: yes ?? byFullId(context, named, runId),
    refused: 'nothing was started',
  });
  if (!context.asJson) context.terminal.remark(`Resuming ${runId}.`);
  const text = editedText(source, [{ path: ['resume'], value: runId }]);
  const { dropText } = await import('../../../submission/drop-manifest.ts');
  const dropped = await dropText(await destinationOf(context, target), fileName, manifest.name, text);
  if (!context.asJson && changed === undefined && (manifest.inputs ?? []).length > 0)
    context.terminal.remark(
      `Its inputs are those sent for ${runId}. \`sierra-batch run … --resume ${runId}\` sends them again.`,
    );
  // A system that is kept up for this command alone has nobody else to watch the run.
  return tellDropped(context, target, dropped, { watch: target.own === undefined ? watch : true });
}

/** More than a manifest may have. */
const MAX_MANIFEST_BYTES = 1024 * 1024 + 1;

/**
 * The manifest that a run was made from, out of what people write. Tasks can write over all that lies under `runs/`: its
 * plan only says where to look, and the run's own id, which is a hash of that place, says whether it is true.
 */
export async function sourceOf(bucket: Bucket, runId: string): Promise<ManifestSource | undefined> {
  const plan = parsePlan((await bucket.readUntrusted(runKeys(runId).plan))?.text);
  const { name, source: place } = plan ?? {};
  const isTrue =
    name !== undefined &&
    place?.bucket === bucket.name &&
    isManifestKey(place.key) &&
    makeRunId(name, place) === runId;
  return isTrue ? place : undefined;
}

async function manifestOf(bucket: Bucket, runId: string) {
  const place = await sourceOf(bucket, runId);
  if (place === undefined)
    throw new CommandFailed(
      `the plan of the run ${runId} does not say truly which manifest it was made from: add \`resume: ${runId}\` to your own copy and submit that`,
    );
  const bytes = await readVersion(bucket, place);
  if (bytes === undefined)
    throw new CommandFailed(
      `the manifest of the run ${runId}, ${place.key}, is not there any more in that version: add \`resume: ${runId}\` to your own copy and submit that`,
    );
  const fileName = basename(place.key);
  const parsed = parseManifest(bytes, manifestFormat(fileName));
  if (!parsed.ok)
    throw new CommandFailed(`the manifest of the run ${runId} is of another version: submit it again`);
  return { ...parsed, fileName };
}

/** An ETag stands in where a bucket keeps no versions; ids of versions may look like one. */
async function readVersion(bucket: Bucket, { key, version }: { key: string; version: string }) {
  const maxBytes = MAX_MANIFEST_BYTES;
  const isTag = /^[0-9a-f]{32}(-\d+)?$/.test(version);
  const tagged = isTag ? await bucket.readBytes(key, { etag: version, maxBytes }) : undefined;
  return tagged ?? bucket.readBytes(key, { versionId: version, maxBytes });
}
