import { Bucket } from '../../aws/bucket.ts';
import { parseManifest } from '../../experiment/manifest/parse.ts';
import { renderFaults } from '../../experiment/manifest/source/fault.ts';
import { manifestFormat } from '../../experiment/manifest/source/read.ts';
import { EXIT } from '../../experiment/records/exit-code.ts';
import { visibleText } from '../../experiment/text/visible-text.ts';
import { defined } from '../../experiment/util/defined.ts';
import type { Destination, Dropped } from '../../submission/drop-manifest.ts';
import { dropManifest } from '../../submission/drop-manifest.ts';
import { changesForOptions, remarksOnNodes } from '../../submission/nodes-option.ts';
import { makeDisplay } from '../../submission/progress-display.ts';
import { readManifestFile } from '../../submission/read-manifest-file.ts';
import { NothingToPack } from '../../submission/survey.ts';
import { realClock } from '../clock/real.ts';
import type { KindOfNodes } from '../nodes/nodes.ts';
import { keepUp } from '../system/keep-up.ts';
import type { LocalSurroundings } from '../system/live.ts';
import { shownSettings } from '../system/settings.ts';
import type { LocalSystem } from '../system/system.ts';
import { FolderInUse } from '../util/folder-lock.ts';
import { followRun } from './follow-run.ts';
import type { Interruption } from './interruption.ts';
import type { ManifestChanges } from './manifest-options.ts';
import { changesForFault } from './manifest-options.ts';
import type { Parsed, StartOptions } from './options.ts';

/** How long a dropped manifest may take to become a run or a rejection. */
const ACCEPTED_WITHIN_MS = 30_000;

/**
 * Drops a manifest into a local system of its own, shows the run, and answers the runner's exit code.
 * @param nodes without it, processes of this machine
 */
export async function runManifest(
  options: StartOptions,
  surroundings: LocalSurroundings,
  interruption: Interruption,
  nodes?: KindOfNodes,
): Promise<number> {
  const display = makeDisplay(process.stdout, { ...surroundings, now: () => realClock.now() });
  const { say } = display;
  const checked = check(options);
  if (checked === undefined) return EXIT.badEnvironment;
  const changes = changesForFault(checked.manifest, options.fault);
  const crowd = nodes === undefined ? remarksOnNodes(checked.manifest, options) : [];
  for (const remark of [...crowd, ...changes.remarks]) say(remark);
  const { fault } = options;
  const settings = { ...shownSettings(options, surroundings, say), ...defined({ fault, nodes }) };
  try {
    return await keepUp({ settings, interruption, say }, async (system) => {
      const waiting = { signal: interruption.asked, say };
      const dropped = await drop(system, { ...options, ...waiting }, checked, changes, surroundings);
      if (dropped.kind === 'rejected') return complain(dropped.rejection);
      if (dropped.kind === 'nothing-to-do') {
        say(dropped.said);
        return EXIT.succeeded;
      }
      say(`run ${dropped.runId}`);
      const exitCode = await followRun(system, dropped.runId, options, display);
      return interruption.asked.aborted ? EXIT.terminated : exitCode;
    });
  } catch (error) {
    if (error instanceof FolderInUse) return complain(`sierra-batch: ${error.message}`);
    if (!(error instanceof NothingToPack)) throw error;
    return complain(error.message);
  }
}

/** The manifest; undefined where there is none to run, which the user was told then. */
function check({ file, shownAs }: StartOptions): Parsed | undefined {
  const read = readManifestFile(file, shownAs);
  if (!read.ok) {
    complain(`sierra-batch: ${read.why}`);
    return undefined;
  }
  const parsed = parseManifest(read.bytes, manifestFormat(file), { origin: 'file' });
  if (!parsed.ok) {
    complain(renderFaults(parsed.faults, shownAs, parsed.text));
    return undefined;
  }
  for (const warning of parsed.warnings)
    complain(`warning: ${renderFaults([warning], shownAs, parsed.source.text)}`);
  return parsed;
}

async function drop(
  system: LocalSystem,
  options: StartOptions & Pick<Destination, 'signal' | 'say'>,
  parsed: Parsed,
  { edits }: ManifestChanges,
  { nonce, vcpus }: LocalSurroundings,
): Promise<Exclude<Dropped, { kind: 'no-answer' }>> {
  const destination: Destination = {
    ...options,
    bucket: new Bucket(system.s3, system.bucket, realClock),
    clock: realClock,
    nonce,
    lookMs: 20,
    defaultVcpus: vcpus,
    acceptedWithinMs: ACCEPTED_WITHIN_MS,
  };
  const dropped = await dropManifest(destination, options.file, parsed, [
    ...changesForOptions(parsed.manifest, options),
    ...edits,
  ]);
  if (dropped.kind !== 'no-answer') return dropped;
  const why = system.deadLetters().map(({ rule, error }) => `${rule}: ${String(error)}`);
  throw new Error(
    `the manifest was neither accepted nor rejected within ${dropped.seconds} s ${why.join('; ')}`,
  );
}

function complain(what: string): number {
  process.stderr.write(visibleText(what.endsWith('\n') ? what : `${what}\n`));
  return EXIT.badEnvironment;
}
