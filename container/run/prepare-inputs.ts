import { Bucket, JSON_TYPE } from '../../aws/bucket.ts';
import { runKeys } from '../../experiment/layout/bucket-keys.ts';
import type { Version, VersionParts } from '../../experiment/results/versions.ts';
import {
  MAX_VERSIONS_BYTES,
  parseVersions,
  versionAt,
  versionId,
  withVersion,
} from '../../experiment/results/versions.ts';
import type { AttemptPart } from '../attempt/attempt.ts';
import { imageIn, readMetadata } from '../node/address.ts';
import { bringAndNote } from '../outputs/before.ts';
import { writeDurably } from '../storage/durable-file.ts';
import type { RunFolders } from '../storage/run-folders.ts';
import { renumberRows } from '../tasks/resume.ts';
import { bringInputs } from '../transfer/inputs.ts';
import { filesLeft, noteBrought } from '../transfer/left-files.ts';
import { untilSent } from '../transfer/retry-send.ts';
import { isThere } from '../util/is-there.ts';
import { openFile } from '../util/open-file.ts';

type InputPart = AttemptPart<'context' | 'config' | 'plan' | 'folders' | 'log' | 'ending'>;

/**
 * Brings the inputs, and notes on shared storage and in the bucket what results are made by from now on. Where the manifest
 * keeps only what the same version made, `forget` takes the others out of a joblog.
 * @throws BadInput, FolderInTheWay, or the SDK's and the file system's errors
 */
export async function prepareInputs(
  attempt: InputPart,
): Promise<{ forget: (joblog: string) => Promise<number> }> {
  const { context, config, plan, folders, log } = attempt;
  const inputs = await bringAndNote(folders, context.clock, () =>
    bringInputs(context, plan.inputs, folders, log),
  );
  const left = await filesLeft(folders, inputs);
  await noteBrought(folders, inputs);
  if (left.count > 0) log('Inputs:Left', left);
  const metadata = config.metadataUri === undefined ? undefined : await readMetadata(config.metadataUri);
  const parts: VersionParts = {
    inputs,
    image: imageIn(metadata) ?? null,
    environment: { ...plan.environment },
  };
  const id = versionId(parts);
  const from = new Date(context.clock.now()).toISOString();
  const now: Version = { id, from, ...parts, ...(left.count === 0 ? {} : { left }) };
  const versions = withVersion(await readVersions(folders), now);
  await writeDurably(folders.versions, JSON.stringify(versions), 0o644);
  await send(attempt, versions);
  log('Version:Noted', { id, versions: versions.length });
  const forget = async (joblog: string) =>
    plan.keep === 'same' && (await isThere(joblog))
      ? renumberRows(joblog, ({ seq, startTime }) =>
          versionAt(versions, startTime)?.id === id ? seq : undefined,
        )
      : 0;
  return { forget };
}

/** Of the runs that went on in this folder. Tasks can write there: what is no record of ours counts for nothing. */
async function readVersions(folders: RunFolders): Promise<readonly Version[]> {
  const file = await openFile(folders.versions).catch(() => undefined);
  if (file === undefined) return [];
  try {
    const { size } = await file.stat();
    if (size > MAX_VERSIONS_BYTES) return [];
    return parseVersions(await file.readFile('utf8')) ?? [];
  } finally {
    await file.close();
  }
}

/** The run does not wait long for it: without it, rows tell no version. */
async function send(
  { context, config, ending, log }: InputPart,
  versions: readonly Version[],
): Promise<void> {
  const bucket = new Bucket(context.s3, config.bucket, context.clock);
  const { versions: key } = runKeys(config.runId);
  await untilSent(
    () => bucket.write(key, JSON.stringify(versions, undefined, 1), JSON_TYPE),
    context.clock,
    ending.signal,
  ).catch((error: unknown) => log('Version:NotSent', { why: String(error) }));
}
