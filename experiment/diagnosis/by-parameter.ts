import { counted, grouped, spoken } from '../text/numbers.ts';

/** What became of the tasks with one value of a parameter. */
export interface OfValue {
  value: string;
  /** Those that ended. */
  tasks: number;
  failed: number;
  /** Of the succeeded ones: how many were slow, and the seconds of all. */
  slow: number;
  seconds: number;
}

/** A value that something goes with: so many of the tasks with it, and so many of all others. */
interface Clear {
  key: string;
  value: string;
  tasks: number;
  hit: number;
  others: number;
  othersHit: number;
}

/** What a run's tasks show by parameter. */
export interface ByParameter {
  failed: Clear | undefined;
  slow: Clear | undefined;
  /** What the fastest quarter of the succeeded tasks took at most. */
  quarterSeconds: number;
  /** Of each parameter with two values at least, and few enough for a page. */
  tables: readonly { key: string; values: readonly OfValue[] }[];
}

/** Tasks that a value needs: two can be chance. */
const LEAST = 3;
/** Of the tasks with the value at least so many, of the others at most so many. */
const SHARE = 0.9;
const SHARE_OF_OTHERS = 0.1;
/** A parameter with more values than that is a number of the task, not a choice. */
const MOST_VALUES = 1000;
const MOST_SHOWN = 20;

/** A task that took no longer is not slow, whatever others took. */
const LEAST_SECONDS = 1;

/** A task that succeeded and took longer than twice the fastest quarter is slow. */
function slowFrom(quarterSeconds: number): number {
  return Math.max(LEAST_SECONDS, 2 * quarterSeconds);
}

/** Counts tasks by the value of each parameter. */
export class ParameterCounts {
  readonly #keys: readonly string[];
  readonly #quarterSeconds: number;
  readonly #counts: (Map<string, OfValue> | undefined)[];

  /** @param quarterSeconds what the fastest quarter of the tasks that succeeded took at most */
  constructor(keys: readonly string[], quarterSeconds: number) {
    this.#keys = keys;
    this.#quarterSeconds = quarterSeconds;
    this.#counts = keys.map(() => new Map());
  }

  /** @param seconds undefined of a task that failed */
  add(values: readonly string[], seconds: number | undefined): void {
    for (const [at, value] of values.entries()) {
      const counts = this.#counts[at];
      if (counts === undefined) continue;
      const count = counts.get(value) ?? { value, tasks: 0, failed: 0, slow: 0, seconds: 0 };
      count.tasks += 1;
      if (seconds === undefined) count.failed += 1;
      else count.seconds += seconds;
      if (seconds !== undefined && seconds > slowFrom(this.#quarterSeconds)) count.slow += 1;
      counts.set(value, count);
      if (counts.size > MOST_VALUES) this.#counts[at] = undefined;
    }
  }

  found(): ByParameter {
    const tables = this.#counts.flatMap((counts, at) =>
      counts === undefined ? [] : [{ key: this.#keys[at] ?? '', values: [...counts.values()] }],
    );
    return {
      failed: clearest(tables, ({ tasks, failed }) => ({ tasks, hit: failed })),
      slow: clearest(tables, ({ tasks, failed, slow }) => ({ tasks: tasks - failed, hit: slow })),
      quarterSeconds: this.#quarterSeconds,
      tables: tables.filter(({ values }) => values.length > 1 && values.length <= MOST_SHOWN),
    };
  }
}

/**
 * The one value that something goes with: nearly all tasks with it, hardly one with another value of that parameter, and at
 * least three in all. Of several the one with the fewest counterexamples, then with the most tasks; undefined where no value
 * is so clear. Nothing is fitted: what is said is counted, with what speaks against it.
 */
function clearest(
  tables: ByParameter['tables'],
  countOf: (value: OfValue) => { tasks: number; hit: number },
): Clear | undefined {
  const clear: Clear[] = [];
  for (const { key, values } of tables) {
    const all = { tasks: 0, hit: 0 };
    const counts = values.map((value) => ({ value: value.value, ...countOf(value) }));
    for (const { tasks, hit } of counts) {
      all.tasks += tasks;
      all.hit += hit;
    }
    for (const { value, tasks, hit } of counts) {
      const [others, othersHit] = [all.tasks - tasks, all.hit - hit];
      const isClear = hit >= LEAST && hit >= SHARE * tasks;
      if (isClear && others >= LEAST && othersHit <= SHARE_OF_OTHERS * others)
        clear.push({ key, value, tasks, hit, others, othersHit });
    }
  }
  const against = ({ tasks, hit, othersHit }: Clear) => tasks - hit + othersHit;
  return clear.sort((a, b) => against(a) - against(b) || b.tasks - a.tasks)[0];
}

/** ` All 10 tasks with speed = 2.0 failed, and none of the 90 others.`, to append. */
export function byParameterClause(found: ByParameter | undefined): string {
  if (found === undefined) return '';
  const { quarterSeconds: quarter } = found;
  const slow = `took over ${spoken(slowFrom(quarter))} (the fastest quarter of all: ${spoken(quarter)} at most)`;
  return `${clause(found.failed, 'failed')}${clause(found.slow, slow)}`;
}

function clause(clear: Clear | undefined, what: string): string {
  if (clear === undefined) return '';
  const { key, value, tasks, hit, others, othersHit } = clear;
  const many =
    hit === tasks ? `All ${counted(tasks, 'task')}` : `${grouped(hit)} of ${counted(tasks, 'task')}`;
  const rest = `${othersHit === 0 ? 'none' : grouped(othersHit)} of the ${grouped(others)} others`;
  return ` ${many} with ${key} = ${value.slice(0, 60)} ${what}, and ${rest}.`;
}
