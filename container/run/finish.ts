import { COLLECT_SECONDS } from '../../experiment/plan/plan.ts';
import type { ExitCode } from '../../experiment/records/exit-code.ts';
import type { RunnerReason } from '../../experiment/records/progress.ts';
import { after } from '../../experiment/util/timers.ts';
import type { Attempt } from '../attempt/attempt.ts';
import { exitCodeOf } from '../attempt/end-reason.ts';
import type { Cluster } from '../join/cluster.ts';
import { ownUsage } from '../process/cgroup-usage.ts';
import { sendFailedOutput } from '../tasks/failed-output.ts';
import { outputsWithSetAside } from '../tasks/whole-runs.ts';
import { sendNodeLogs } from '../transfer/node-logs.ts';
import { sendOutputs } from '../transfer/outputs.ts';

const RELEASE_MS = 4000;
/** Kept of the time for collecting to write the last records. */
const LAST_WORDS_MS = 30_000;

/**
 * Ends an attempt whatever its reason: workers released, results, failed tasks' output and logs sent, everything closed,
 * and last the record that says how it ended. Told to end meanwhile, it sends what fits into the time left.
 */
export async function finishRun(
  attempt: Attempt,
  cluster: Cluster | undefined,
  reason: RunnerReason,
): Promise<ExitCode> {
  const { state, progress, context, termination, node, log, roster, config } = attempt;
  const { clock } = context;
  roster.used(config.mainIndex, ownUsage(config));
  state.enter('collecting');
  const over = new AbortController();
  const patience = COLLECT_SECONDS * 1000 - LAST_WORDS_MS;
  const giveUp = () => over.abort(new Error('no time left'));
  const cancel = after(clock, patience, giveUp);
  const hurry = () => after(clock, Math.max(0, termination.sentBy - 4000 - clock.now()), giveUp);
  if (termination.signal.aborted) hurry();
  else termination.signal.addEventListener('abort', hurry);
  const grace = termination.signal.aborted ? 1000 : 2000;
  await Promise.all([node.tasks.end(grace), cluster?.release(RELEASE_MS)]);
  await untilAborted(over.signal, sendAll(attempt, cluster, over.signal));
  cancel();
  await node.closers.closeAll();
  const final =
    termination.name === undefined ? reason : { kind: 'terminated' as const, signal: termination.name };
  const deadline = termination.signal.aborted ? termination.sentBy : clock.now() + LAST_WORDS_MS;
  await progress.finish(final, Math.max(deadline, clock.now() + 2000));
  log('Run:Ended', { ...final, exitCode: exitCodeOf(final) });
  return exitCodeOf(final);
}

async function sendAll(attempt: Attempt, cluster: Cluster | undefined, signal: AbortSignal): Promise<void> {
  const { context, config, plan, folders, state, nodeLog, log } = attempt;
  const { tally, results } = state.snapshot();
  const { s3, clock } = context;
  const failures = tally?.failures() ?? [];
  const missed = await sendFailedOutput(s3, config, failures, results, clock, signal);
  if (missed > 0) log('TaskOutput:NotSent', { files: missed });
  if (tally !== undefined)
    await sendOutputs({
      s3,
      bucket: config.bucket,
      runId: config.runId,
      folder: folders.tasks,
      outputs: await outputsWithSetAside(plan, folders.tasks),
      signal,
      clock,
      log,
    });
  const tails = new Map([[config.mainIndex, nodeLog.tail], ...(cluster?.logs ?? [])]);
  await sendNodeLogs({ ...context, ...config, tails, signal, log });
}

/** S3 may hang: what is under way then is left to itself. */
async function untilAborted(signal: AbortSignal, work: Promise<void>): Promise<void> {
  const aborted = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve());
  });
  await Promise.race([work, aborted]);
}
