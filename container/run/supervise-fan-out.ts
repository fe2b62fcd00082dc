import type { RunnerReason } from '../../experiment/records/progress.ts';
import type { Clock } from '../../experiment/util/clock.ts';
import { after, within } from '../../experiment/util/timers.ts';
import type { AttemptPart } from '../attempt/attempt.ts';
import type { FanoutHooks, FanoutResult, RunningFanout } from '../fan-out/fan-out.ts';
import type { Cluster } from '../join/cluster.ts';
import { GRACE_MS } from '../process/termination.ts';
import type { TaskTally } from '../tasks/tally.ts';

/** What a fan-out tells goes into the tally, the roster and the log; a channel that breaks is the cluster's to mend. */
export function fanoutHooks(
  { roster, context, log }: AttemptPart<'roster' | 'context' | 'log'>,
  cluster: Cluster,
  tally: TaskTally,
): FanoutHooks {
  return {
    onStart: (seq, node) => tally.started(seq, node),
    onRow: (row, node) => {
      tally.ended(row, context.clock.now());
      roster.taskEnded(node, row.runtime);
    },
    onRetry: (row, node) => {
      tally.retried(row);
      roster.taskEnded(node, row.runtime);
    },
    onChannelLost: (node, why) => cluster.recover(node, why),
    log,
  };
}

/** Nodes that come late or are lost while a fan-out runs. */
export function followNodes(cluster: Cluster, running: RunningFanout, tally: TaskTally, clock: Clock): void {
  cluster.listen({
    came: (node) => running.addNode(node),
    lost: (index, why) => {
      tally.nodeLost(index);
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
  attempt: AttemptPart<'ending' | 'context' | 'log'>,
  running: RunningFanout,
): Promise<FanoutResult | undefined> {
  const { ending, context, log } = attempt;
  const stopped = running
    .stop(ending.reason?.kind ?? 'ended', GRACE_MS)
    .then(() => running.result)
    .catch((error: unknown) => log('Fanout:StopFailed', { why: String(error) }));
  const result = await within(context.clock, GRACE_MS + 4000, stopped, () => log('Fanout:StillStopping', {}));
  return result ?? undefined;
}

/** Why a run ends whose fan-out could not do its work; undefined where it could. */
export function brokenBy(result: FanoutResult | undefined, path: string): RunnerReason | undefined {
  if (result?.broken === undefined) return undefined;
  return result.storageFailed === true
    ? { kind: 'storage-failed', what: result.broken, path }
    : { kind: 'internal', what: `fan-out: ${result.broken}` };
}
