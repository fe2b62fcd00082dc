import { namedEnding } from '../../records/ending.ts';
import type { OutputFile } from '../../records/outputs.ts';
import { nearestRank } from '../../util/nearest-rank.ts';
import { isNear } from './two-tables.ts';

type Row = Readonly<Record<string, string>>;

/** The table of tasks of a run, and what it sent. */
export interface ComparedRun {
  columns: readonly string[];
  rows: readonly Row[];
  outputs: readonly Pick<OutputFile, 'path' | 'sha256'>[];
}

/** What differs between two runs; `B` is held against `A`. Lists hold the first of what they count. */
export interface RunDifference {
  tasks: { inBoth: number; onlyInA: number; onlyInB: number };
  /** Of those in both: alike in both, succeeded in A and failed in B, the other way round, and the rest. */
  alike: { succeeded: number; failed: number };
  failing: { count: number; tasks: string[] };
  fixed: { count: number; tasks: string[] };
  /** In A or B: lost, cut off or not started. */
  notEnded: { count: number; tasks: string[]; succeededInA: number };
  /** Of tasks that succeeded in both; null where there are none. */
  medianSeconds: { a: number | null; b: number | null };
  /** Cells of `results` that differ by more than the tolerance, by column. */
  results: { column: string; compared: number; differ: number; example: string | null }[];
  outputs: { same: number; differ: number; onlyInA: number; onlyInB: number; paths: string[] };
}

const SHOWN = 5;
/** What any task has behind its parameters: `command` is the first, `version` the last. */
const [FIRST, LAST] = ['command', 'version'];

/**
 * Holds run B against run A: tasks are the same by their parameters, or by their command where there are none.
 * @param tolerance of numbers, relative to the larger one
 */
export function compareRuns(a: ComparedRun, b: ComparedRun, tolerance: number): RunDifference {
  const keys = parametersOf(a).filter((name) => parametersOf(b).includes(name));
  const [ofA, ofB] = [byKey(a.rows, keys), byKey(b.rows, keys)];
  const both = [...ofA].flatMap(([key, one]) => {
    const other = ofB.get(key);
    return other === undefined ? [] : [{ key, one, other }];
  });
  const isGood = (row: Row) => row.end === 'succeeded';
  const named = (pairs: typeof both) => ({
    count: pairs.length,
    tasks: pairs.slice(0, SHOWN).map(({ key }) => key),
  });
  const good = both.filter(({ one, other }) => isGood(one) && isGood(other));
  const ended = both.filter(({ one, other }) => hasEnded(one) && hasEnded(other));
  const open = both.filter(({ one, other }) => !hasEnded(one) || !hasEnded(other));
  const columns = resultsOf(a).filter((name) => resultsOf(b).includes(name));
  return {
    tasks: { inBoth: both.length, onlyInA: ofA.size - both.length, onlyInB: ofB.size - both.length },
    alike: {
      succeeded: good.length,
      failed: ended.filter(({ one, other }) => !isGood(one) && !isGood(other)).length,
    },
    failing: named(ended.filter(({ one, other }) => isGood(one) && !isGood(other))),
    fixed: named(ended.filter(({ one, other }) => !isGood(one) && isGood(other))),
    notEnded: { ...named(open), succeededInA: open.filter(({ one }) => isGood(one)).length },
    medianSeconds: {
      a: median(good.map(({ one }) => Number(one.seconds))),
      b: median(good.map(({ other }) => Number(other.seconds))),
    },
    results: columns.map((column) => {
      const odd = good.filter(({ one, other }) => !isNear(one[column] ?? '', other[column] ?? '', tolerance));
      const [first] = odd;
      return {
        column,
        compared: good.length,
        differ: odd.length,
        example:
          first === undefined
            ? null
            : `${first.key}: ${first.one[column] || 'nothing'} and ${first.other[column] || 'nothing'}`,
      };
    }),
    outputs: compareOutputs(a.outputs, b.outputs),
  };
}

/** Something in B is worse: tasks that fail or are missing, numbers that moved, outputs that did not come. */
export function isWorse({ tasks, failing, notEnded, results, outputs }: RunDifference): boolean {
  const lacking = [tasks.onlyInA, failing.count, notEnded.succeededInA, outputs.onlyInA];
  return [...lacking, ...results.map(({ differ }) => differ)].some((count) => count > 0);
}

/** A task without a row has not failed. */
function hasEnded({ end = '' }: Row): boolean {
  const kind = namedEnding(end)?.kind;
  return kind !== 'lost' && kind !== 'cut-off' && end !== 'not started';
}

function parametersOf({ columns }: ComparedRun): readonly string[] {
  return columns.slice(1, Math.max(1, columns.indexOf(FIRST)));
}

function resultsOf({ columns }: ComparedRun): readonly string[] {
  return columns.slice(columns.indexOf(LAST) + 1);
}

/** `speed=2.0 seed=7`; of doubles each with its number among them. */
function byKey(rows: readonly Row[], keys: readonly string[]): Map<string, Row> {
  const found = new Map<string, Row>();
  const times = new Map<string, number>();
  for (const row of rows) {
    const key =
      keys.length === 0 ? (row.command ?? '') : keys.map((name) => `${name}=${row[name]}`).join(' ');
    const time = (times.get(key) ?? 0) + 1;
    times.set(key, time);
    found.set(time === 1 ? key : `${key} (${time})`, row);
  }
  return found;
}

function median(numbers: number[]): number | null {
  return (
    nearestRank(
      numbers.toSorted((a, b) => a - b),
      0.5,
    ) ?? null
  );
}

function compareOutputs(a: ComparedRun['outputs'], b: ComparedRun['outputs']): RunDifference['outputs'] {
  const [ofA, ofB] = [a, b].map((files) => new Map(files.map(({ path, sha256 }) => [path, sha256])));
  const paths = [...(ofA ?? [])].filter(([path, hash]) => ofB?.has(path) === true && ofB.get(path) !== hash);
  const shared = [...(ofA ?? [])].filter(([path]) => ofB?.has(path)).length;
  return {
    same: shared - paths.length,
    differ: paths.length,
    onlyInA: a.length - shared,
    onlyInB: b.length - shared,
    paths: paths.slice(0, SHOWN).map(([path]) => path),
  };
}
