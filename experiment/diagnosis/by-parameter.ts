import { counted, grouped } from '../text/numbers.ts';

/** Tasks that have ended, with one value of a parameter and with all others. */
export interface ByParameter {
  key: string;
  value: string;
  tasks: number;
  failed: number;
  others: number;
  othersFailed: number;
}

/** Failed tasks that a value needs: two can be chance. */
const LEAST_FAILED = 3;
/** Of those with the value at least so many failed, of the others at most so many. */
const SHARE = 0.9;
const SHARE_OF_OTHERS = 0.1;
/** A parameter with more values than that is a number of the task, not a choice. */
const MOST_VALUES = 1000;

/** Counts tasks by the value of each parameter. */
export class FailuresByParameter {
  readonly #keys: readonly string[];
  readonly #counts: (Map<string, { tasks: number; failed: number }> | undefined)[];
  #tasks = 0;
  #failed = 0;

  constructor(keys: readonly string[]) {
    this.#keys = keys;
    this.#counts = keys.map(() => new Map());
  }

  add(values: readonly string[], isFailed: boolean): void {
    this.#tasks += 1;
    this.#failed += isFailed ? 1 : 0;
    for (const [at, value] of values.entries()) {
      const counts = this.#counts[at];
      if (counts === undefined) continue;
      const count = counts.get(value) ?? { tasks: 0, failed: 0 };
      count.tasks += 1;
      count.failed += isFailed ? 1 : 0;
      counts.set(value, count);
      if (counts.size > MOST_VALUES) this.#counts[at] = undefined;
    }
  }

  /**
   * The one value that failures go with: nearly all tasks with it failed, hardly one with another value of that parameter,
   * and at least three in all. Of several the one with the fewest counterexamples, then with the most tasks; undefined where
   * no value is so clear. Nothing is fitted: what is told is counted, with what speaks against it.
   */
  found(): ByParameter | undefined {
    const clear: ByParameter[] = [];
    for (const [at, counts] of this.#counts.entries())
      for (const [value, { tasks, failed }] of counts ?? []) {
        const [others, othersFailed] = [this.#tasks - tasks, this.#failed - failed];
        const isClear = failed >= LEAST_FAILED && failed >= SHARE * tasks;
        if (isClear && others >= LEAST_FAILED && othersFailed <= SHARE_OF_OTHERS * others)
          clear.push({ key: this.#keys[at] ?? '', value, tasks, failed, others, othersFailed });
      }
    const against = ({ tasks, failed, othersFailed }: ByParameter) => tasks - failed + othersFailed;
    return clear.sort((a, b) => against(a) - against(b) || b.tasks - a.tasks)[0];
  }
}

/** ` All 10 tasks with speed = 2.0 failed, and none of the 90 others.`, to append. */
export function byParameterClause(found: ByParameter | undefined): string {
  if (found === undefined) return '';
  const { key, value, tasks, failed, others, othersFailed } = found;
  const many =
    failed === tasks ? `All ${counted(tasks, 'task')}` : `${grouped(failed)} of ${counted(tasks, 'task')}`;
  const rest = `${othersFailed === 0 ? 'none' : grouped(othersFailed)} of the ${grouped(others)} others`;
  return ` ${many} with ${key} = ${value.slice(0, 60)} failed, and ${rest}.`;
}
