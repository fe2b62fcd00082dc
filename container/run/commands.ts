import { join } from 'node:path';
import type { CommandWork } from '../../experiment/plan/plan.ts';
import type { RunnerReason } from '../../experiment/records/progress.ts';
import { defined } from '../../experiment/util/defined.ts';
import type { Attempt, AttemptPart } from '../attempt/attempt.ts';
import { lockResumed } from '../attempt/folder-lock.ts';
import { keepLimits } from '../attempt/limits.ts';
import type { FanoutRequest, FanoutResult, RunningFanout } from '../fan-out/fan-out.ts';
import { startPool } from '../fan-out/pool/pool.ts';
import { startStock } from '../fan-out/stock/stock.ts';
import type { Cluster } from '../join/cluster.ts';
import { makeRunFolders } from '../storage/run-folders.ts';
import type { FrozenCommands } from '../tasks/freeze-commands.ts';
import { freezeCommands } from '../tasks/freeze-commands.ts';
import { alreadyDone } from '../tasks/resume.ts';
import { StartLog } from '../tasks/start-log.ts';
import { TaskTally } from '../tasks/tally.ts';
import { taskEnvironment } from '../tasks/variables.ts';
import { beginRun } from './await-nodes.ts';
import { runClosingCommand } from './closing-command.ts';
import { FailureWatch } from './failure-watch.ts';
import { cannotPrepare } from './prepare-failure.ts';
import { prepareInputs } from './prepare-inputs.ts';
import { brokenBy, fanoutHooks, followNodes, stopFanout } from './supervise-fan-out.ts';

/** A list of commands: prepared while the nodes gather, then run. Answers why it ended. */
export async function runCommands(
  attempt: Attempt,
  work: CommandWork,
  opening: Promise<Cluster>,
): Promise<RunnerReason> {
  const { ending, state, context, folders } = attempt;
  const begun = await beginRun(attempt, prepare(attempt, work), opening);
  if (begun.kind === 'ended') return begun.reason;
  const { prepared, cluster } = begun;
  state.countTasks(prepared.tally);
  state.enter('running');
  if (prepared.done.size === prepared.commands.total)
    return runClosingCommand(attempt, cluster, reasonOf(prepared.tally, undefined, attempt));
  const { config } = attempt;
  const starts = await StartLog.open(
    join(folders.run, 'starts'),
    config.runId,
    config.attempt,
    config.mainIndex,
  );
  const watch = new FailureWatch(attempt, prepared.tally);
  const running = startFanout(attempt, cluster, { ...prepared, starts, watch });
  watch.follow(running);
  state.startTasks(() => running.running());
  followNodes(cluster, running, prepared.tally, context.clock);
  const limits = keepLimits(attempt);
  const result = await Promise.race([running.result, ending.promise.then(() => undefined)]);
  limits.stop();
  if (result === undefined) await stopFanout(attempt, running);
  await starts.close();
  state.endTasks(context.clock.now());
  return (
    ended(ending.reason, prepared.tally) ??
    runClosingCommand(attempt, cluster, reasonOf(prepared.tally, result, attempt))
  );
}

/** What ends a run before its tasks have. Once all have, only connections were waited for: to a node that is lost, for instance. */
const CUT_SHORT: readonly RunnerReason['kind'][] = [
  'too-many-lost',
  'failures-stopped',
  'run-time-limit',
  'budget-used',
];

/** Why the run was ended before its tasks had; undefined where it was not. */
export function ended(reason: RunnerReason | undefined, tally: TaskTally): RunnerReason | undefined {
  const { total, succeeded, failed } = tally.counts();
  const isComplete = succeeded + failed === total;
  return reason !== undefined && isComplete && CUT_SHORT.includes(reason.kind) ? undefined : reason;
}

interface Prepared {
  commands: FrozenCommands;
  done: Set<number>;
  tally: TaskTally;
}

async function prepare(attempt: Attempt, work: CommandWork): Promise<Prepared> {
  const { context, config, plan, folders, ending, log } = attempt;
  try {
    await makeRunFolders(folders, plan.runId);
    const inUse = await lockResumed(attempt);
    if (inUse !== undefined) {
      ending.because({ kind: 'bad-environment', faults: [{ ...inUse, node: config.index }] });
      return nothingPrepared(attempt);
    }
    const { forget } = await prepareInputs(attempt);
    const commands = await freezeCommands(context, { ...config, fanout: plan.fanout }, work, folders);
    const forgotten = await forget(folders.joblog);
    const { done, rows } = await alreadyDone(folders.joblog, commands.total, config.attempt === 1);
    const { total, dropped } = commands;
    log('Commands:Frozen', { total, done: done.size, dropped, forgotten });
    return { commands, done, tally: new TaskTally(commands.total, rows) };
  } catch (error) {
    ending.because(cannotPrepare(error, folders.run));
    return nothingPrepared(attempt);
  }
}

function nothingPrepared({ folders }: AttemptPart<'folders'>): Prepared {
  const commands = { file: folders.commands, total: 0, dropped: 0 };
  return { commands, done: new Set(), tally: new TaskTally(0, []) };
}

function startFanout(
  attempt: Attempt,
  cluster: Cluster,
  prepared: Prepared & { starts: StartLog; watch: FailureWatch },
): RunningFanout {
  const { plan, folders, roster, config } = attempt;
  const request: FanoutRequest = {
    commandsFile: prepared.commands.file,
    total: prepared.commands.total,
    done: prepared.done,
    nodes: roster.live(),
    workdir: folders.tasks,
    results: folders.results,
    joblog: folders.joblog,
    scratch: cluster.scratch,
    sshConfig: cluster.sshConfig,
    environment: taskEnvironment(plan, config.variables),
    ...(plan.timeouts.taskSeconds === undefined ? {} : { taskSeconds: plan.timeouts.taskSeconds }),
    ...(plan.timeouts.graceSeconds === undefined ? {} : { graceMs: plan.timeouts.graceSeconds * 1000 }),
    ...defined({ outputMiB: plan.taskOutputMiB, gpus: plan.cluster.gpus }),
    losses: prepared.starts.losses,
    path: config.variables.PATH ?? '',
    ...(typeof plan.stopAfter === 'object' ? { haltAfter: plan.stopAfter.failures } : {}),
    taskRetries: plan.retry.tasks,
  };
  const hooks = fanoutHooks(attempt, cluster, prepared);
  const { clock } = attempt.context;
  const start = plan.fanout === 'stock' ? startStock(clock) : startPool(clock, cluster.opened);
  return start(request, hooks);
}

function reasonOf(
  tally: TaskTally,
  result: FanoutResult | undefined,
  attempt: AttemptPart<'folders' | 'roster' | 'plan'>,
): RunnerReason {
  const { failed, lost = 0 } = tally.counts();
  const broken = brokenBy(result, attempt);
  if (broken !== undefined) return broken;
  const unfinished = result?.unfinished ?? 0;
  if (failed > 0 || lost > 0 || unfinished > 0)
    return { kind: 'tasks-failed', failed, lost: Math.max(lost, unfinished) };
  return { kind: 'succeeded' };
}
