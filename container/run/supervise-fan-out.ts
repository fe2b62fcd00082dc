import type { RunnerReason } from '../../experiment/records/progress.ts';
import type { Clock } from '../../experiment/util/clock.ts';
import { after } from '../../experiment/util/timers.ts';
import type { AttemptPart } from '../attempt/attempt.ts';
import type { FanoutHooks, FanoutResult, RunningFanout } from '../fan-out/fan-out.ts';
import type { Cluster } from '../join/cluster.ts';
import type { StartLog } from '../tasks/start-log.ts';
import type { TaskTally } from '../tasks/tally.ts';
import type { FailureWatch } from './failure-watch.ts';

/** What a fan-out tells goes into the tally, the roster and the log; a channel that breaks is the cluster's to mend. */
export function fanoutHooks(
  { roster, context, log }: AttemptPart<'roster' | 'context' | 'log'>,
  cluster: Cluster,
  { tally, watch, starts }: { tally: TaskTally; watch: FailureWatch; starts?: StartLog | undefined },
): FanoutHooks {
  return {
    onStart: (seq, node) => {
      tally.started(seq, node, context.clock.now());
      starts?.started(seq, node);
    },
    onRow: (row, node, about) => {
      tally.ended(row, context.clock.now());
      starts?.ended(row.seq);
      roster.taskEnded(node, row.runtime);
      watch.ended(row, about);
    },
    onRetry: (row, node, about) => {
      tally.retried(row);
      starts?.ended(row.seq);
      roster.taskEnded(node, row.runtime);
      watch.tried(row, about);
    },
    onChannelLost: (node, why) => cluster.recover(node, why),
    onNodeLost: (node) => starts?.nodeLost(node),
    onUnusable: (node, why) => cluster.unusable(node, why),
    onUnfit: (node, why) => roster.leftOut(node, why),
    log,
  };
}

/** Nodes that come late or are lost while a fan-out runs. */
export function followNodes(cluster: Cluster, running: RunningFanout, tally: TaskTally, clock: Clock): void {
  cluster.listen({
    came: (node) => running.addNode(node),
    lost: (index, why) => {
      tally.nodeLost(index, clock.now());
      // Where this loss ends the run, it is told to stop first: nobody else begins the node's tasks.
      after(clock, 0, () => running.removeNode(index, why));
    },
  });
}

/**
 * TERM, then KILL; what is done is recorded by the fan-out. Bounded, since a node may hang: undefined where something does
 * not end.
 */
export async function stopFanout(
  attempt: AttemptPart<'ending' | 'context' | 'log' | 'plan' | 'termination'>,
  running: RunningFanout,
): Promise<FanoutResult | undefined> {
  const { ending, context, log, plan, termination } = attempt;
  const grace = () => termination.graceMs(plan.timeouts.graceSeconds);
  const stopped = running
    .stop(ending.reason?.kind ?? 'ended', grace())
    .then(() => running.result)
    .catch((error: unknown) => log('Fanout:StopFailed', { why: String(error) }));
  // Told to end meanwhile, there is less time than was allowed.
  const late = Promise.withResolvers<undefined>();
  const giveUp = () => after(context.clock, grace() + 4000, () => late.resolve(undefined));
  giveUp();
  termination.signal.addEventListener('abort', giveUp);
  const result = await Promise.race([stopped, late.promise.then(() => log('Fanout:StillStopping', {}))]);
  return result ?? undefined;
}

/** Why a run ends whose fan-out could not do its work; undefined where it could. */
export function brokenBy(
  result: FanoutResult | undefined,
  { folders, roster, plan }: AttemptPart<'folders' | 'roster' | 'plan'>,
): RunnerReason | undefined {
  if (result?.broken === undefined) return undefined;
  if (result.removedBy !== undefined)
    return { kind: 'folder-removed', seq: result.removedBy, path: folders.tasks };
  if (result.stranded !== undefined)
    return {
      kind: 'too-many-lost',
      left: roster.live().length,
      needed: plan.minNodes,
      lost: roster.withState('lost'),
      why: result.stranded,
    };
  return result.storageFailed === true
    ? { kind: 'storage-failed', what: result.broken, path: folders.run }
    : { kind: 'internal', what: `fan-out: ${result.broken}` };
}
