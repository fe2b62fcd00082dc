import { COLLECT_SECONDS } from '../../experiment/plan/plan.ts';
import type { ExitCode } from '../../experiment/records/exit-code.ts';
import type { RunnerReason } from '../../experiment/records/progress.ts';
import { aborted, after } from '../../experiment/util/timers.ts';
import type { Attempt } from '../attempt/attempt.ts';
import { exitCodeOf } from '../attempt/end-reason.ts';
import type { Cluster } from '../join/cluster.ts';
import { Before } from '../outputs/before.ts';
import { sendOutputs } from '../outputs/send-outputs.ts';
import { ownUsage } from '../process/usage.ts';
import { criterionLines } from '../tasks/criterion-values.ts';
import { sendKeptOutput } from '../tasks/kept-output.ts';
import { sendLines, sendResultLines } from '../tasks/results.ts';
import type { TaskTally } from '../tasks/tally.ts';
import { outputsWithSetAside } from '../tasks/whole-runs.ts';
import { sendNodeLogs } from '../transfer/node-logs.ts';
import { receiverOf, resultsToSend } from './results-to-send.ts';

const RELEASE_MS = 4000;
/** Most of the outputs that a record names. */
const MOST_MISSING = 100;
/** What of the outputs is not in the bucket. */
type Lacking = Pick<Extract<RunnerReason, { kind: 'outputs-lacking' }>, 'missing' | 'unsent' | 'notSent'>;
const NOTHING: Lacking = { missing: [], unsent: 0, notSent: [] };
/** Sending went on when its time was over: what arrived is not known. */
const NO_TIME: Lacking = {
  missing: [],
  unsent: 1,
  notSent: [{ path: 'index.json', why: 'no time was left to send it' }],
};

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
  roster.used(config.mainIndex, ownUsage(config), clock.now());
  state.enter('collecting');
  attempt.held.stop();
  const over = new AbortController();
  const patience = COLLECT_SECONDS * 1000 - LAST_WORDS_MS;
  const giveUp = () => over.abort(new Error('no time left'));
  const cancel = after(clock, patience, giveUp);
  const hurry = () => after(clock, Math.max(0, termination.sentBy - 4000 - clock.now()), giveUp);
  if (termination.signal.aborted) hurry();
  else termination.signal.addEventListener('abort', hurry);
  // What tasks left running; and tasks, where stock's GNU parallel has only ended its connections.
  const grace = termination.graceMs(attempt.plan.timeouts.graceSeconds);
  await Promise.all([
    node.tasks.end(grace),
    cluster?.release(RELEASE_MS + grace),
    attempt.early.stop(RELEASE_MS),
  ]);
  // S3 may hang: what is under way then is left to itself.
  const sending = sendAll(attempt, cluster, over.signal);
  const lacking = (await Promise.race([sending, aborted(over.signal)])) ?? undefined;
  cancel();
  await node.closers.closeAll();
  const final =
    termination.name === undefined
      ? withOutputs(reason, lacking ?? (attempt.plan.outputs.length > 0 ? NO_TIME : NOTHING))
      : { kind: 'terminated' as const, signal: termination.name };
  const deadline = termination.signal.aborted ? termination.sentBy : clock.now() + LAST_WORDS_MS;
  await progress.finish(final, Math.max(deadline, clock.now() + 2000));
  log('Run:Ended', { ...final, exitCode: exitCodeOf(final) });
  return exitCodeOf(final);
}

async function sendAll(
  attempt: Attempt,
  cluster: Cluster | undefined,
  signal: AbortSignal,
): Promise<Lacking> {
  const { context, config, state, nodeLog, output, log } = attempt;
  const { tally, results } = state.snapshot();
  const missed = await output.finish(tally?.kept() ?? [], results, signal);
  if (missed > 0) log('TaskOutput:NotSent', { files: missed });
  // A few letters a task, before what may take long: a run that is cut has seconds left.
  if (tally !== undefined) await sendResults(attempt, tally, signal);
  const kept =
    tally !== undefined && attempt.plan.keepOutput === 'all' ? await keep(attempt, tally, signal) : NOTHING;
  const sent = tally === undefined ? NOTHING : await deliver(attempt, tally.counts().total, signal);
  const tails = new Map([[config.mainIndex, nodeLog.tail], ...(cluster?.logs ?? [])]);
  await sendNodeLogs({ ...context, ...config, tails, signal, log });
  return { ...sent, unsent: sent.unsent + kept.unsent, notSent: [...kept.notSent, ...sent.notSent] };
}

/**
 * Reads and sends what the manifest names under `results`, of SIERRA what its criterion set. What is missing there is said and
 * no failure of the run.
 */
async function sendResults(attempt: Attempt, tally: TaskTally, signal: AbortSignal): Promise<void> {
  const { config, plan, state, log } = attempt;
  try {
    if (plan.work.kind === 'sierra') {
      const environment = { ...config.variables, ...plan.environment };
      await sendLines(receiverOf(attempt, signal), await criterionLines(tally.rows(), environment));
      return;
    }
    const options = resultsToSend(attempt, signal);
    if (options === undefined) return;
    const counts = await sendResultLines(options);
    state.resultsRead(counts);
    log('Results:Sent', { ...counts });
  } catch (error) {
    log('Results:NotSent', { why: String(error) });
  }
}

/** Sends what all tasks printed: of a run that keeps it this is a result. */
async function keep(attempt: Attempt, tally: TaskTally, signal: AbortSignal): Promise<Lacking> {
  const { context, config, node, state, log } = attempt;
  try {
    await sendKeptOutput({
      s3: context.s3,
      bucket: config.bucket,
      runId: config.runId,
      prefix: `${config.attempt}-${config.index}`,
      rows: tally.rows(),
      results: state.snapshot().results,
      scratch: node.folder,
      clock: context.clock,
      signal,
    });
    return NOTHING;
  } catch (error) {
    log('KeptOutput:NotSent', { why: String(error) });
    return { missing: [], unsent: 1, notSent: [{ path: 'logs/stdout', why: String(error) }] };
  }
}

/** Sends the outputs, and answers what of them is not in the bucket. */
async function deliver(attempt: Attempt, tasks: number, signal: AbortSignal): Promise<Lacking> {
  const { context, config, plan, folders, node, log } = attempt;
  try {
    const {
      missing,
      unsent = 0,
      notSent = [],
    } = await sendOutputs({
      s3: context.s3,
      bucket: config.bucket,
      plan: { ...plan, outputs: await outputsWithSetAside(plan, folders.tasks) },
      folders,
      before: await Before.read(folders),
      prefix: `${config.attempt}-${config.index}-`,
      tasks,
      scratch: node.folder,
      signal,
      clock: context.clock,
      log,
    });
    return { missing: missing.slice(0, MOST_MISSING), unsent, notSent };
  } catch (error) {
    log('Outputs:NotSent', { why: String(error) });
    return { missing: [], unsent: 1, notSent: [{ path: 'index.json', why: String(error) }] };
  }
}

/** A run whose results are not in the bucket has not succeeded. */
function withOutputs(reason: RunnerReason, lacking: Lacking): RunnerReason {
  return reason.kind === 'succeeded' && lacking.missing.length + lacking.unsent > 0
    ? { kind: 'outputs-lacking', ...lacking }
    : reason;
}
