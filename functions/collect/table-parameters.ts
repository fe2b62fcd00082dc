import { BadList } from '../../experiment/commands/lines.ts';
import type { TaskParameters } from '../../report/tasks/parameters.ts';
import { chooseTasks, gatherParameters } from '../../report/tasks/parameters.ts';
import type { RunStores } from '../stores/run-stores.ts';
import type { Remains } from './run-folder.ts';
import { taskSource } from './task-source.ts';

/** The parameters that the report's table of tasks shows. @param total tasks of the run */
export async function tableParameters(
  { bucket, records: { keys } }: Pick<RunStores, 'bucket' | 'records'>,
  { plan, tasks }: Pick<Remains, 'plan' | 'tasks'>,
  total: number,
): Promise<TaskParameters | undefined> {
  if (plan === undefined || total === 0) return undefined;
  try {
    return await gatherParameters(await taskSource(bucket, keys, plan.work), chooseTasks(tasks, total));
  } catch (error) {
    // A table among the inputs that a task wrote over meanwhile.
    if (error instanceof BadList) return undefined;
    throw error;
  }
}
