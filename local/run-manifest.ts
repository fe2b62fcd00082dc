import { basename } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { MANIFEST_PREFIX, rejectionKeys, runKeys } from '../experiment/bucket-layout.ts';
import { EXIT } from '../experiment/exit-code.ts';
import { renderFaults } from '../experiment/faults.ts';
import { manifestFormat, parseManifest } from '../experiment/manifest.ts';
import { makeRunId } from '../experiment/run-id.ts';
import { plainLine } from '../experiment/terminal-codes.ts';
import type { Cluster } from './cluster/cluster.ts';
import { followRun } from './follow-run.ts';
import type { Interruption } from './interruption.ts';
import type { LocalSurroundings } from './live.ts';
import { FolderInUse } from './lock.ts';
import { editedText } from './manifest-edit.ts';
import type { ManifestChanges } from './manifest-options.ts';
import { changesForFault, changesForOptions } from './manifest-options.ts';
import { NothingToPack, packInputs } from './pack.ts';
import type { Display } from './progress-display.ts';
import { makeDisplay } from './progress-display.ts';
import { readManifestFile } from './read-manifest-file.ts';
import { realClock } from './real-clock.ts';
import type { StartOptions } from './start-options.ts';
import type { LocalSystem } from './system.ts';
import { startSystem } from './system.ts';
import { readText } from './watch-run.ts';

type Parsed = Extract<ReturnType<typeof parseManifest>, { ok: true }>;

/** How long a dropped manifest may take to become a run or a rejection. */
const ACCEPTED_WITHIN_MS = 30_000;

/**
 * Drops a manifest into a local system of its own, shows the run, and answers the runner's exit code.
 * @param cluster machines to run it on; without it nodes are processes of this one
 */
export async function runManifest(
  options: StartOptions,
  surroundings: LocalSurroundings,
  interruption: Interruption,
  cluster?: Cluster,
): Promise<number> {
  const display = makeDisplay(process.stdout, { ...surroundings, now: () => realClock.now() });
  const checked = check(options);
  if (checked === undefined) return EXIT.badEnvironment;
  const changes = changesForFault(checked.manifest, options.fault);
  for (const remark of changes.remarks) display.say(remark);
  let system: LocalSystem;
  try {
    system = await open(options, surroundings, display, cluster);
  } catch (error) {
    return complain(cannotOpen(error, options.folder));
  }
  try {
    const dropped = await drop(system, options, checked, changes, surroundings.nonce);
    if (dropped.rejection !== undefined) return complain(dropped.rejection);
    display.say(`run ${dropped.runId}`);
    return await followRun(system, dropped.runId, options, display, interruption);
  } catch (error) {
    if (!(error instanceof NothingToPack)) throw error;
    return complain(error.message);
  } finally {
    await system.close();
  }
}

/** The manifest; undefined where there is none to run, which the user was told then. */
function check({ file, shownAs }: StartOptions): Parsed | undefined {
  const read = readManifestFile(file, shownAs);
  if (!read.ok) {
    complain(`npm start: ${read.why}`);
    return undefined;
  }
  const parsed = parseManifest(read.bytes, manifestFormat(file), { origin: 'file' });
  if (!parsed.ok) {
    process.stderr.write(renderFaults(parsed.faults, shownAs, parsed.text));
    return undefined;
  }
  for (const warning of parsed.warnings)
    process.stderr.write(`warning: ${renderFaults([warning], shownAs, parsed.source.text)}`);
  return parsed;
}

function open(
  { folder, fault }: StartOptions,
  { nonce, image, vcpus }: LocalSurroundings,
  display: Display,
  cluster: Cluster | undefined,
): Promise<LocalSystem> {
  return startSystem({
    folder,
    clock: realClock,
    nonce,
    image,
    defaultVcpus: vcpus,
    logger: {
      info: () => undefined,
      warn: () => undefined,
      error: (event, fields) => display.say(plainLine(`${event} ${JSON.stringify(fields)}`)),
    },
    ...(fault === undefined ? {} : { fault }),
    ...(cluster === undefined ? {} : { cluster }),
  });
}

function cannotOpen(error: unknown, folder: string): string {
  if (error instanceof FolderInUse) return `npm start: ${error.message}`;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (typeof code === 'string' && ['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'ENOTDIR', 'EEXIST'].includes(code))
    return `npm start: runs are kept in ${folder}, which cannot be used: ${String(error)}`;
  throw error;
}

async function drop(
  system: LocalSystem,
  options: StartOptions,
  { manifest, source }: Parsed,
  changes: ManifestChanges,
  nonce: () => string,
): Promise<{ runId: string; rejection: string | undefined }> {
  const { bucket, s3 } = system;
  const text = editedText(source, [
    ...(await packInputs(s3, bucket, options.file, manifest)),
    ...changesForOptions(manifest, options),
    ...changes.edits,
  ]);
  const key = `${MANIFEST_PREFIX}${nonce().slice(0, 8)}/${basename(options.file)}`;
  const { VersionId: version = '' } = await s3.send(
    new PutObjectCommand({ Bucket: bucket, Key: key, Body: text }),
  );
  const runId = makeRunId(manifest.name, { bucket, key, version });
  return { runId, rejection: await rejectionOf(system, runId, rejectionKeys(key, version).text) };
}

/** The text of the rejection, or undefined once the run's status is there. */
async function rejectionOf(system: LocalSystem, runId: string, key: string): Promise<string | undefined> {
  const until = realClock.now() + ACCEPTED_WITHIN_MS;
  while (realClock.now() < until) {
    const text = await readText(system.s3, system.bucket, key);
    if (text !== undefined) return text;
    if ((await readText(system.s3, system.bucket, runKeys(runId).status)) !== undefined) return undefined;
    await realClock.sleep(20);
  }
  const why = system.deadLetters().map(({ rule, error }) => `${rule}: ${String(error)}`);
  throw new Error(
    `the manifest was neither accepted nor rejected within ${ACCEPTED_WITHIN_MS / 1000} s ${why.join('; ')}`,
  );
}

function complain(what: string): number {
  process.stderr.write(what.endsWith('\n') ? what : `${what}\n`);
  return EXIT.badEnvironment;
}
