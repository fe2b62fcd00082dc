import { deflateRawSync } from 'node:zlib';
import type { TaskSource } from '../../experiment/plan/planned-tasks.ts';
import type { TaskTable } from '../../experiment/results/task-table.ts';
import { taskSucceeded } from '../../experiment/results/task-table.ts';
import { visibleText } from '../../experiment/text/visible-text.ts';
import type { PackedTasks, TasksData } from './packed.ts';

/** The parameters of the tasks that a page's table holds. */
export type TaskParameters = Pick<PackedTasks, 'keys' | 'columns'>;

/** More tasks than this are chosen from. */
export const MOST_TASKS = 100_000;
const MOST_FAILED = 50_000;
const SLOWEST = 1000;
const VALUE_LETTERS = 200;
/** Of all values together; what comes after stays empty. */
const MOST_LETTERS = 16 * 1024 * 1024;

/** Failures, the slowest, and an even sample of the others; undefined where all tasks have room. @returns in their order */
export function chooseTasks(tasks: TaskTable, total: number): number[] | undefined {
  if (total <= MOST_TASKS) return undefined;
  const chosen = new Set<number>();
  for (let at = 0; at < tasks.size && chosen.size < MOST_FAILED; at += 1)
    if (!taskSucceeded(tasks, at)) chosen.add(tasks.seqs[at] ?? 0);
  const places = Uint32Array.from({ length: tasks.size }, (_, at) => at);
  places.sort((a, b) => (tasks.runtime[b] ?? 0) - (tasks.runtime[a] ?? 0));
  for (const at of places.subarray(0, SLOWEST)) chosen.add(tasks.seqs[at] ?? 0);
  const step = total / (MOST_TASKS - chosen.size);
  for (let seq = 1; seq <= total; seq += step) chosen.add(Math.floor(seq));
  return [...chosen].sort((a, b) => a - b);
}

/** @param chosen of {@link chooseTasks} */
export async function gatherParameters(
  source: TaskSource,
  chosen: readonly number[] | undefined,
): Promise<TaskParameters> {
  const own = source.keys.length > 0;
  const keys = own ? source.keys : ['command'];
  const columns = keys.map((): string[] => []);
  let letters = 0;
  let next = 0;
  for await (const batch of source.tasks())
    for (const { seq, values, command } of batch) {
      const place = chosen === undefined ? seq - 1 : next;
      if (place >= MOST_TASKS || letters > MOST_LETTERS) return { keys, columns };
      if (chosen !== undefined && chosen[next] !== seq) continue;
      next += 1;
      columns.forEach((column, at) => {
        const whole = visibleText((own ? values[at] : command) ?? '');
        const text = whole.slice(0, VALUE_LETTERS).toWellFormed();
        letters += text.length;
        column[place] = text;
      });
    }
  return { keys, columns };
}

export function packTasks(packed: PackedTasks): TasksData['packed'] {
  return deflateRawSync(JSON.stringify(packed)).toString('base64');
}
