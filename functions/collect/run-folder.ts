import type { Plan } from '../../experiment/plan/plan.ts';
import type { NodeRecord } from '../../experiment/records/nodes.ts';
import type { OutputIndex } from '../../experiment/records/outputs.ts';
import type { Progress } from '../../experiment/records/progress.ts';
import type { JoblogRow } from '../../experiment/results/joblog.ts';
import { parseJoblogRow } from '../../experiment/results/joblog.ts';
import type { TaskTable } from '../../experiment/results/task-table.ts';
import { failedToRead, readTasks } from '../../experiment/results/task-table.ts';
import type { RunStores } from '../stores/run-stores.ts';

/** What a run left in its folder. */
export interface Remains {
  plan: Plan | undefined;
  progress: Progress | undefined;
  nodes: readonly NodeRecord[];
  tasks: TaskTable;
  stderrTails: ReadonlyMap<number, string>;
  manifest: string;
  outputs: OutputIndex | undefined;
}

/** So many failed tasks are read to see what they have in common. */
const TAILS = 200;

/** Reads a run's folder; the joblog as a stream, since it may have a million rows. What is not there is left out. */
export async function readRemains(
  { bucket, records }: RunStores,
  planSha256: string | undefined,
): Promise<Remains> {
  const { keys } = records;
  const joblog = await bucket.stream(keys.joblog);
  const tasks = await readTasks(joblog === undefined ? [] : joblogRows(joblog));
  const stderrTails = new Map<number, string>();
  for (const seq of failedToRead(tasks, TAILS)) {
    const tail = await bucket.readUntrusted(keys.taskOutput(seq, 'err'));
    if (tail !== undefined) stderrTails.set(seq, tail.text);
  }
  return {
    plan: await records.plan(planSha256),
    progress: (await records.progress()).progress,
    nodes: await records.nodes(),
    tasks,
    stderrTails,
    manifest: (await bucket.readUntrusted(keys.manifest))?.text ?? '',
    outputs: await records.outputs(),
  };
}

/** A last line without a newline was cut off by a crash: its task counts as not done. */
async function* joblogRows(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<JoblogRow> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const row = parseJoblogRow(line);
      if (row !== undefined) yield row;
    }
  }
}
