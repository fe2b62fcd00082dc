import { Bucket } from '../../aws/bucket.ts';
import { EXIT } from '../../experiment/records/exit-code.ts';
import { isOutcome } from '../../experiment/records/outcome.ts';
import { cancellationCause } from '../../experiment/run/cancellation.ts';
import { executionArn } from '../../experiment/run/execution.ts';
import { counted } from '../../experiment/text/numbers.ts';
import type { Clock } from '../../experiment/util/clock.ts';
import { openRuns } from '../../functions/stores/control-store.ts';
import { readRunRows } from '../../functions/stores/run-rows.ts';
import { FolderInUse, folderTrouble } from '../util/folder-lock.ts';
import type { SystemSettings } from './settings.ts';
import type { LocalSystem } from './system.ts';
import { startSystem } from './system.ts';

/** Runs that were asked to stop have so long before their nodes are killed, and before nobody waits for them. */
const STOP = { killAfterMs: 17_000, leaveAfterMs: 21_000 };
/** What there is to do for runs that have ended: should that take longer, the next local system in this folder does it. */
const SETTLED_WITHIN_MS = 10_000;
/** Commands that wait for something ask several times a second. */
const UNUSED_MS = 1000;
const LOOK_MS = 100;

export interface Keeping {
  settings: SystemSettings;
  /** The first request to end, and a second one by whoever does not want to wait. */
  interruption: { asked: AbortSignal; insisted: AbortSignal };
  say: (line: string) => unknown;
}

/**
 * Does work with a system of its own, which stays up until no run goes on in it and no other command uses it. Being asked
 * to end stops all its runs, whoever started them: each is cancelled, in the same words. Answers the work's exit code.
 * @throws FolderInUse where there can be none in this folder, and what the work throws
 */
export async function keepUp(
  { settings, interruption, say }: Keeping,
  work: (system: LocalSystem) => Promise<number>,
): Promise<number> {
  const { clock } = settings;
  const system = await startSystem(settings).catch((error: unknown) => {
    const trouble = folderTrouble(error, settings.folder);
    throw trouble === undefined ? error : new FolderInUse(trouble, { cause: error });
  });
  const bucket = new Bucket(system.s3, system.bucket, clock);
  const over = new AbortController();
  const left = Promise.withResolvers<number>();
  left.promise.catch(() => undefined); // Awaited only in the races below.
  const onAsked = () => {
    say('Stopping; waiting for all nodes to finish. (Ctrl-C once more kills them.)');
    stopAll({ system, bucket, clock, user: settings.image.USER ?? '' }, over.signal).then(
      () => left.resolve(EXIT.terminated),
      (error: unknown) => over.signal.aborted || left.reject(error),
    );
  };
  const sayUnasked = (line: string) => asked.aborted || say(line);
  const onInsisted = () => system.kill();
  const { asked, insisted } = interruption;
  if (asked.aborted) onAsked();
  asked.addEventListener('abort', onAsked);
  insisted.addEventListener('abort', onInsisted);
  try {
    const hopeless = await untilEarlierHaveEnded(bucket, clock);
    try {
      return await Promise.race([work(system), left.promise]);
    } finally {
      await Promise.race([untilUnused({ system, bucket, clock, hopeless, say: sayUnasked }), left.promise]);
    }
  } catch (error) {
    if (asked.aborted && error === asked.reason) return EXIT.terminated;
    throw error;
  } finally {
    over.abort();
    asked.removeEventListener('abort', onAsked);
    insisted.removeEventListener('abort', onInsisted);
    await system.close();
  }
}

/**
 * Runs that a killed system has left are cancelled before anybody asks how they stand.
 * @returns those that cannot be: nobody waits for their end
 */
async function untilEarlierHaveEnded(bucket: Bucket, clock: Clock): Promise<ReadonlySet<string>> {
  const until = clock.now() + SETTLED_WITHIN_MS;
  for (;;) {
    const { open, going } = await underWay(bucket);
    if (going.length === 0 || clock.now() > until) return new Set(open);
    await clock.sleep(LOOK_MS);
  }
}

async function untilUnused({ system, bucket, clock, hopeless, say }: Quiet): Promise<void> {
  let told = 0;
  let quietAt: number | undefined;
  for (;;) {
    const { open, going } = await underWay(bucket, hopeless);
    if (going.length !== told && going.length > 0)
      say(`Waiting for ${counted(going.length, 'other run')} in this local system. (Ctrl-C stops all.)`);
    told = going.length;
    if (going.length > 0) quietAt = undefined;
    else {
      quietAt ??= clock.now();
      const isSettled = open.length === 0 || clock.now() - quietAt > SETTLED_WITHIN_MS;
      if (isSettled && clock.now() - system.usedAt() > UNUSED_MS) return;
    }
    await clock.sleep(LOOK_MS);
  }
}

interface Kept {
  system: LocalSystem;
  bucket: Bucket;
  clock: Clock;
}

interface Quiet extends Kept, Pick<Keeping, 'say'> {
  /** Runs that are not looked at. */
  hopeless: ReadonlySet<string>;
}

/** Runs that are not closed, and those of them that have not ended. */
async function underWay(
  bucket: Bucket,
  besides: ReadonlySet<string> = new Set(),
): Promise<{ open: string[]; going: string[] }> {
  const open = (await openRuns(bucket)).flatMap(({ runId }) => (besides.has(runId) ? [] : [runId]));
  const rows = await readRunRows(bucket, open);
  return { open, going: rows.flatMap(({ runId, state }) => (isOutcome(state) ? [] : [runId])) };
}

/** Cancels all runs as `sierra-batch cancel` does, those too that begin meanwhile; whatever hangs is killed. */
async function stopAll(
  { system, bucket, clock, user }: Kept & { user: string },
  over: AbortSignal,
): Promise<void> {
  const { states, deployment } = system;
  const cause = cancellationCause({ by: user, reason: 'stopped at the terminal' });
  const stopped = new Set<string>();
  const killAt = clock.now() + STOP.killAfterMs;
  while (clock.now() < killAt) {
    for (const { runId } of await openRuns(bucket)) {
      if (stopped.has(runId)) continue;
      const arn = executionArn(deployment.stateMachineArn, runId);
      // One that is not there yet is stopped at the next look.
      const stop = states.stopExecution({ executionArn: arn, error: 'Cancelled', cause });
      await stop.then(() => stopped.add(runId)).catch(() => undefined);
    }
    await clock.sleep(LOOK_MS, over);
  }
  system.kill();
  await clock.sleep(STOP.leaveAfterMs - STOP.killAfterMs, over);
}
