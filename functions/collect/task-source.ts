import type { Bucket } from '../../aws/bucket.ts';
import type { Plan } from '../../experiment/plan/plan.ts';
import type { PlannedTask, TaskSource } from '../../experiment/plan/planned-tasks.ts';
import { batched, plannedTasks } from '../../experiment/plan/planned-tasks.ts';
import type { JoblogRow } from '../../experiment/results/joblog.ts';
import { streamedRows } from '../../experiment/results/joblog.ts';
import { sierraRunOf } from '../../experiment/sierra/run-command.ts';
import type { RunRecords } from '../stores/run-records.ts';

/** The tasks of a run as they were planned; of SIERRA as the joblog has them. */
export async function taskSource(
  bucket: Bucket,
  keys: RunRecords['keys'],
  work: Plan['work'],
): Promise<TaskSource> {
  if (work.kind === 'sierra')
    return { keys: ['experiment', 'run'], tasks: () => batched(sierraTasks(bucket, keys)) };
  return plannedTasks(
    (file) => bucket.stream(file === 'commands' ? keys.commands : keys.table(file.table)),
    work,
  );
}

/** Of SIERRA's commands so much is held; its batches have thousands. */
const MOST_LETTERS = 32 * 1024 * 1024;

/** SIERRA makes its commands on node 0: only rows name them. */
async function* sierraTasks(bucket: Bucket, { joblog }: RunRecords['keys']): AsyncGenerator<PlannedTask> {
  const tasks = new Map<number, PlannedTask>();
  let letters = 0;
  for await (const { seq, command } of streamedRows(await bucket.stream(joblog))) {
    if (tasks.has(seq)) continue;
    letters += command.length;
    tasks.set(seq, sierraTask(seq, command, letters <= MOST_LETTERS));
  }
  yield* [...tasks.values()].sort((a, b) => a.seq - b.seq);
}

function sierraTask(seq: number, command: JoblogRow['command'], isKept: boolean): PlannedTask {
  const { experiment = '', run = '' } = sierraRunOf(command) ?? {};
  return { seq, values: [experiment, String(run)], command: isKept ? command : null };
}
