import { expect } from 'vitest';
import type { JoblogRow } from '../../../../experiment/results/joblog.ts';
import type { FaultRun, Trace } from './fault-run.ts';

/** A machine is not told that its task has ended the moment the task was killed. */
const SECONDS = 0.3;
/** What a task may still do when its machine is thawed, until its runner has seen that the lease is over. */
const THAWING_SECONDS = 1;

/** A machine on which nothing went on for a while. Seconds since the epoch. */
interface Frozen {
  node: number;
  attempt: number;
  from: number;
  to: number;
}

/**
 * What holds whatever happens. Every command has exactly one final row; no command that succeeded ran again unless its node
 * was lost; none ran in two places at once.
 * @param lost nodes whose loss is the fault
 */
export function expectSound(
  run: FaultRun,
  rows: readonly JoblogRow[],
  commands: number,
  lost: readonly number[] = [],
  frozen?: Frozen,
): void {
  const seqs = rows.map(({ seq }) => seq).toSorted((a, b) => a - b);
  expect(seqs).toEqual(Array.from({ length: commands }, (_, index) => index + 1));
  expectOnce(run, lost, frozen);
}

/** The part of {@link expectSound} that also holds for a run that was ended before its time. */
export function expectOnce(run: FaultRun, lost: readonly number[] = [], frozen?: Frozen): void {
  const wrong: string[] = [];
  const said = run.said().map((trace) => ({ ...trace, at: whenGoing(trace, frozen) }));
  for (const [seq, traces] of Map.groupBy(said, (trace) => trace.seq)) {
    const ended = traces.find(({ what, node }) => what === 'ended' && !lost.includes(node));
    if (ended !== undefined && traces.some(({ what, at }) => what === 'began' && at > ended.at))
      wrong.push(`task ${seq} ended well on node ${ended.node} and began again`);
    const stays = [...Map.groupBy(traces, ({ node, attempt }) => `${attempt}/${node}`)].map(
      ([place, stay]) => ({
        place,
        from: Math.min(...stay.map(({ at }) => at)),
        to: Math.max(...stay.map(({ at }) => at)),
      }),
    );
    for (const one of stays)
      for (const other of stays)
        if (one.place < other.place && one.from + SECONDS < other.to && other.from + SECONDS < one.to)
          wrong.push(`task ${seq} ran at ${one.place} and ${other.place} at once`);
  }
  expect(wrong).toEqual([]);
}

/** A frozen task does nothing: what it says in the moment of being thawed belongs to the time before. */
function whenGoing({ node, attempt, at }: Trace, frozen: Frozen | undefined): number {
  const isThere = node === frozen?.node && attempt === frozen.attempt;
  const isThawing = isThere && at >= frozen.to && at < frozen.to + THAWING_SECONDS;
  return isThawing ? frozen.from : at;
}
