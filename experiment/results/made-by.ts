import type { Progress } from '../records/progress.ts';
import type { MadeBy } from '../records/summary.ts';
import { counted, grouped } from '../text/numbers.ts';
import { plainLine } from '../text/terminal-codes.ts';
import type { TaskTable } from './task-table.ts';
import { taskSucceeded } from './task-table.ts';
import type { Version } from './versions.ts';
import { differenceSpoken, versionAt } from './versions.ts';

/** How many results are of which version, the newest first; those from before versions were noted count for none. */
export function resultsByVersion(versions: readonly Version[], tasks: TaskTable): MadeBy[] {
  const now = versions.at(-1);
  const counts = new Map<string, number>();
  const count = (start: number | undefined) => {
    const version = versionAt(versions, start ?? 0);
    if (version !== undefined) counts.set(version.id, (counts.get(version.id) ?? 0) + 1);
  };
  for (let at = 0; at < tasks.size; at += 1) if (taskSucceeded(tasks, at)) count(tasks.start[at]);
  // Those succeeded, in the runs that this one resumes.
  for (const start of tasks.earlier.start) count(start);
  return versions.toReversed().flatMap((version, index, all) => {
    const count = counts.get(version.id);
    if (count === undefined || now === undefined || all.findIndex(({ id }) => id === version.id) < index)
      return [];
    return [{ id: version.id, from: version.from, tasks: count, differs: differenceSpoken(version, now) }];
  });
}

/** ` 2,700 of 3,000 results were made with other inputs.`, as sentences to append; empty where there is nothing to tell. */
export function versionsClause(made: readonly MadeBy[]): string {
  const all = made.reduce((sum, { tasks }) => sum + tasks, 0);
  const others = made.filter(({ differs }) => differs !== '');
  return others
    .map(
      ({ tasks, differs }) =>
        ` ${grouped(tasks)} of ${counted(all, 'result')} ${tasks === 1 ? 'was' : 'were'} made with other ${differs}.`,
    )
    .join('');
}

/** The same for files of earlier inputs that this run found lying in the tasks' folder. */
export function leftClause(versions: readonly Version[], progress: Progress | undefined): string {
  const { left, from = '' } = versions.at(-1) ?? {};
  if (left === undefined || left.count === 0 || from < (progress?.startedAt ?? '9')) return '';
  const names = left.names.map((name) => `\`${plainLine(name.slice(0, 100))}\``).join(', ');
  const more = left.count > left.names.length ? ` and ${grouped(left.count - left.names.length)} more` : '';
  return ` ${counted(left.count, 'file')} of earlier inputs ${left.count === 1 ? 'is' : 'are'} not among these inputs and still in the tasks’ folder: ${names}${more}.`;
}
