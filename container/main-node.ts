import { Bucket } from '../aws/bucket.ts';
import { runKeys } from '../experiment/layout/bucket-keys.ts';
import type { Plan } from '../experiment/plan/plan.ts';
import type { ExitCode } from '../experiment/records/exit-code.ts';
import { EXIT } from '../experiment/records/exit-code.ts';
import type { Progress, RunnerReason } from '../experiment/records/progress.ts';
import { MAX_PROGRESS_BYTES, parseProgress } from '../experiment/records/progress.ts';
import type { Attempt, AttemptPart } from './attempt/attempt.ts';
import { Ending } from './attempt/end-reason.ts';
import { ProgressSender } from './attempt/progress-sender.ts';
import { Roster } from './attempt/roster.ts';
import { RunState } from './attempt/run-state.ts';
import { Cluster } from './join/cluster.ts';
import type { NodeStart } from './node/node.ts';
import { ThisNode } from './node/node.ts';
import { EarlySender } from './outputs/early-sender.ts';
import { runCommands } from './run/commands.ts';
import { finishRun } from './run/finish.ts';
import { loadPlan } from './run/load-plan.ts';
import { takeOwnership } from './run/ownership.ts';
import { resultsToSend } from './run/results-to-send.ts';
import { runSierra } from './sierra/sierra.ts';
import { runFolders } from './storage/run-folders.ts';
import { FailedOutput } from './tasks/failed-output.ts';
import { HeldResults } from './tasks/results.ts';
import { untilAnswered } from './transfer/retry-start.ts';

/** Node 0: takes the run, gathers the nodes, has the tasks run, sends what came of it, and ends with the run's code. */
export async function runMainNode(start: NodeStart): Promise<ExitCode> {
  const { context, config, nodeLog, startedAt, termination } = start;
  const { s3, clock } = context;
  const { log } = nodeLog;
  const me = { jobId: config.jobId, attempt: config.attempt, nonce: context.makeNonce() };
  const looking = ThisNode.open(start).then(async (node) => ({ node, faults: await node.lookAround() }));
  const [fence, loaded, before, { node, faults }] = await Promise.all([
    untilAnswered(() => takeOwnership(s3, config, me, clock), clock, termination.signal),
    loadPlan(s3, config, clock, termination.signal),
    attemptBefore(start),
    looking,
  ]);
  if (fence.kind === 'other') {
    log('Run:NotOwner', { owner: fence.owner });
    await node.closers.closeAll();
    return EXIT.notOwner;
  }
  const plan = loaded.ok ? loaded.plan : emptyPlan(start);
  const ending = new Ending();
  const roster = new Roster(config.nodes, plan.slots);
  const folders = runFolders(config.shared, plan);
  const state = new RunState(folders.results, (phase) => {
    log('Run:Phase', { phase });
    progress.wake();
  });
  const snapshot = () => state.snapshot();
  const known = { ...context, config, plan, log, roster, snapshot, startedAt, before };
  const progress = new ProgressSender(known);
  const early = new EarlySender({ context, config, plan, folders, log, mayGoOn: () => true });
  const output = new FailedOutput(s3, config, clock);
  const attempt: Attempt = {
    ...start,
    plan,
    folders,
    node,
    ending,
    roster,
    state,
    progress,
    early,
    output,
    held: new HeldResults(),
    log,
  };
  termination.signal.addEventListener('abort', () => terminated(attempt));
  if (termination.signal.aborted) terminated(attempt);
  progress.start();
  if (!loaded.ok) return finishRun(attempt, undefined, { kind: 'bad-plan', what: loaded.what });
  if (faults.length > 0) return finishRun(attempt, undefined, { kind: 'bad-environment', faults });
  return lead(attempt);
}

async function lead(attempt: Attempt): Promise<ExitCode> {
  const { plan, ending, state, early, held, log, context } = attempt;
  state.enter('joining');
  const opening = Cluster.open(attempt);
  early.start();
  void held.follow(context.clock, (signal) => resultsToSend(attempt, signal));
  opening.catch((error: unknown) => ending.because(cannotOpen(attempt, error)));
  let reason: RunnerReason;
  try {
    const { work } = plan;
    reason = await (work.kind === 'commands'
      ? runCommands(attempt, work, opening)
      : runSierra(attempt, work, opening));
  } catch (error) {
    log('Run:Broken', { why: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    reason = ending.reason ?? whatBroke(attempt, error);
  }
  const cluster = await opening.catch(() => undefined);
  return finishRun(attempt, cluster, reason);
}

function terminated({ ending, termination }: AttemptPart<'ending' | 'termination'>): void {
  ending.because({ kind: 'terminated', signal: termination.name ?? 'SIGTERM' });
}

/** What the system refuses is a matter of files: other calls say themselves what is wrong. */
function whatBroke({ folders }: AttemptPart<'folders'>, error: unknown): RunnerReason {
  const what = String(error);
  if (!(error instanceof Error && 'syscall' in error)) return { kind: 'internal', what };
  return { kind: 'storage-failed', what, path: 'path' in error ? String(error.path) : folders.run };
}

function cannotOpen({ config, folders }: AttemptPart<'config' | 'folders'>, error: unknown): RunnerReason {
  const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  if (error instanceof Error && 'code' in error && 'path' in error)
    return { kind: 'storage-failed', what, path: String(error.path ?? folders.run) };
  const todo = `free ports ${config.sshPort} and ${config.joinPort}, or choose others with SIERRA_BATCH_SSH_PORT and SIERRA_BATCH_JOIN_PORT`;
  return {
    kind: 'bad-environment',
    faults: [{ node: config.index, check: 'cannot-listen', what, todo }],
  };
}

/** The last word of this run's attempt before, so that a budget holds for all of them and figures add up. */
async function attemptBefore({
  context,
  config,
  nodeLog,
  termination,
}: NodeStart): Promise<Progress | undefined> {
  if (config.attempt === 1) return undefined;
  const bucket = new Bucket(context.s3, config.bucket, context.clock);
  const ask = () => bucket.read(runKeys(config.runId).progress, { maxBytes: MAX_PROGRESS_BYTES });
  try {
    const found = await untilAnswered(ask, context.clock, termination.signal);
    const before = parseProgress(found?.text);
    if (before === undefined && found !== undefined)
      nodeLog.log('Progress:EarlierUnknown', { why: 'not a progress record' });
    return before?.attempt === config.attempt ? undefined : before;
  } catch (error) {
    nodeLog.log('Progress:EarlierUnknown', { why: String(error) });
    return undefined;
  }
}

/** Stands in for a plan that cannot be read, so that the reason can be told in the usual records. */
function emptyPlan({ config }: NodeStart): Plan {
  return {
    version: 1,
    runId: config.runId,
    folder: config.runId,
    source: { bucket: config.bucket, key: '', version: '' },
    name: config.runId,
    cluster: { nodes: config.nodes, vcpus: 1, memoryMiB: 1 },
    minNodes: config.nodes,
    slots: 1,
    threadsPerTask: 1,
    fanout: 'pool',
    work: { kind: 'commands', file: { kind: 'frozen', key: '', total: 0 } },
    inputs: [],
    outputs: [],
    environment: {},
    timeouts: { queueSeconds: 1, joinSeconds: 1, runSeconds: 1 },
    retry: { attempts: 1, tasks: 0 },
    notify: [],
    tags: {},
  };
}
