import type { RunnerReason } from '../../experiment/records/progress.ts';
import type { AttemptPart } from '../attempt/attempt.ts';
import { renderNodefile } from '../fan-out/nodefile.ts';
import type { Cluster } from '../join/cluster.ts';

export type Begun<Prepared> =
  | { kind: 'begun'; prepared: Prepared; cluster: Cluster }
  | { kind: 'ended'; reason: RunnerReason };

/**
 * Waits until what the tasks need is prepared and the nodes are gathered, and writes the nodefile; or tells why the
 * attempt ended meanwhile, which does not wait for a download.
 */
export async function beginRun<Prepared>(
  { ending, state, roster, context }: AttemptPart<'ending' | 'state' | 'roster' | 'context'>,
  preparing: Promise<Prepared>,
  opening: Promise<Cluster>,
): Promise<Begun<Prepared>> {
  const gathered = opening.then(async (cluster) => {
    await cluster.gathered();
    return cluster;
  });
  const both = await Promise.race([Promise.all([preparing, gathered]), ending.promise]);
  if (ending.reason !== undefined) return { kind: 'ended', reason: ending.reason };
  if ('kind' in both) return { kind: 'ended', reason: both };
  const [prepared, cluster] = both;
  await cluster.writeNodefile(renderNodefile(roster.live().map(({ address }) => address)));
  state.nodesJoined(context.clock.now());
  return { kind: 'begun', prepared, cluster };
}
