import { join, relative } from 'node:path';
import { Bucket } from '../../aws/bucket.ts';
import { waysToLook } from '../../experiment/diagnosis/next-steps.ts';
import { runKeys } from '../../experiment/layout/bucket-keys.ts';
import { parsePlan } from '../../experiment/plan/plan.ts';
import { parseControl } from '../../experiment/records/control.ts';
import { EXIT } from '../../experiment/records/exit-code.ts';
import type { Summary } from '../../experiment/records/summary.ts';
import { exitCodeOf } from '../../experiment/records/summary.ts';
import { cancellationCause } from '../../experiment/run/cancellation.ts';
import { executionArn } from '../../experiment/run/execution.ts';
import { plainLine } from '../../experiment/text/terminal-codes.ts';
import type { Display } from '../../submission/progress-display.ts';
import { watchRun } from '../../submission/watch-run.ts';
import { realClock } from '../clock/real.ts';
import type { LocalSystem } from '../system/system.ts';
import type { Interruption } from './interruption.ts';
import type { StartOptions } from './options.ts';

/** A run that was asked to stop has so long before its nodes are killed, and before nobody waits for its summary. */
const STOP = { killAfterMs: 17_000, leaveAfterMs: 21_000 };

/** Should that take longer, the next local system in this folder ends it. */
const CLOSED_WITHIN_MS = 5000;

/** Shows a run until it has ended, or ends it when asked to. Answers the runner's exit code, 143 for a stopped run. */
export async function followRun(
  system: LocalSystem,
  runId: string,
  options: StartOptions & { user: string },
  display: Display,
  interruption: Interruption,
): Promise<number> {
  const leaving = new AbortController();
  const over = new AbortController();
  const onAsked = () => {
    display.say('Stopping; waiting for all nodes to finish. (Ctrl-C once more kills them.)');
    stop(system, runId, options.user, leaving, over.signal).catch((error: unknown) => {
      if (!over.signal.aborted) display.say(`The run could not be stopped: ${String(error)}`);
    });
  };
  const onInsisted = () => system.kill();
  if (interruption.asked.aborted) onAsked();
  interruption.asked.addEventListener('abort', onAsked);
  interruption.insisted.addEventListener('abort', onInsisted);
  try {
    const bucket = new Bucket(system.s3, system.bucket, realClock);
    const summary = await watchRun(bucket, runId, {
      clock: realClock,
      signal: leaving.signal,
      onView: display.update,
    });
    display.end();
    if (summary === undefined) return EXIT.terminated;
    await tell(summary, bucket, options, display);
    await untilClosed(bucket, runId);
    options.onEnd?.(summary);
    return interruption.asked.aborted ? EXIT.terminated : exitCodeOf(summary);
  } finally {
    over.abort();
    interruption.asked.removeEventListener('abort', onAsked);
    interruption.insisted.removeEventListener('abort', onInsisted);
  }
}

/** Cancels the run as `sierra-batch cancel` does; whatever hangs is killed. */
async function stop(
  system: LocalSystem,
  runId: string,
  user: string,
  leaving: AbortController,
  over: AbortSignal,
): Promise<void> {
  await system.states.stopExecution({
    executionArn: executionArn(system.deployment.stateMachineArn, runId),
    error: 'Cancelled',
    cause: cancellationCause({ by: user, reason: 'stopped at the terminal' }),
  });
  await realClock.sleep(STOP.killAfterMs, over);
  system.kill();
  await realClock.sleep(STOP.leaveAfterMs - STOP.killAfterMs, over);
  leaving.abort();
}

/** The control plane's last work on a run that has ended: telling of it. */
async function untilClosed(bucket: Bucket, runId: string): Promise<void> {
  const until = realClock.now() + CLOSED_WITHIN_MS;
  while (realClock.now() < until) {
    const control = await bucket.read(runKeys(runId).control);
    if (control === undefined || parseControl(control.text).closedAt !== undefined) return;
    await realClock.sleep(50);
  }
}

async function tell(
  summary: Summary,
  bucket: Bucket,
  { folder, from }: StartOptions,
  display: Display,
): Promise<void> {
  const { runId, outcome, headline, why, next } = summary;
  const keys = runKeys(runId);
  const shown = (key: string) => relative(from, join(folder, 'bucket', key));
  // The sentences name keys of the bucket; here they are files.
  const sentence = (text: string) => {
    if (text !== '') display.say(plainLine(text.replaceAll(`\`${keys.folder}`, `\`${shown(keys.folder)}/`)));
  };
  display.say('');
  sentence(headline);
  sentence(why);
  // After a success it would only repeat the two lines below.
  if (outcome !== 'succeeded') sentence(next);
  display.say('');
  display.say(`report   ${shown(keys.report)}`);
  if ((await bucket.head(keys.outputIndex)) !== undefined) display.say(`outputs  ${shown(keys.outputs)}`);
  const plan = parsePlan((await bucket.read(keys.plan))?.text);
  for (const line of waysToLook(summary, plan?.keepOutput)) display.say(line);
}
