import type { ByParameter } from '../../experiment/diagnosis/by-parameter.ts';
import type { Plan } from '../../experiment/plan/plan.ts';
import { endingOf } from '../../experiment/records/ending.ts';
import type { Load } from '../../experiment/records/load.ts';
import { MAX_LOAD_BYTES, parseLoad } from '../../experiment/records/load.ts';
import type { NodeRecord } from '../../experiment/records/nodes.ts';
import type { OutputIndex } from '../../experiment/records/outputs.ts';
import type { Progress } from '../../experiment/records/progress.ts';
import { streamedRows } from '../../experiment/results/joblog.ts';
import { lastLines, MAX_LAST_LINES_BYTES, NotedEndings } from '../../experiment/results/last-lines.ts';
import type { TaskTable } from '../../experiment/results/task-table.ts';
import { failedToRead, readTasks } from '../../experiment/results/task-table.ts';
import type { Version } from '../../experiment/results/versions.ts';
import type { RunStores } from '../stores/run-stores.ts';

/** What a run left in its folder. */
export interface Remains {
  plan: Plan | undefined;
  progress: Progress | undefined;
  nodes: readonly NodeRecord[];
  load: Load | undefined;
  tasks: TaskTable;
  /** The value of a parameter that failures go with. */
  byParameter?: ByParameter | undefined;
  stderrTails: ReadonlyMap<number, string>;
  /** Those whose own output was read. */
  outputOf: ReadonlySet<number>;
  manifest: string;
  outputs: OutputIndex | undefined;
  versions: readonly Version[];
}

/** Of so many failed tasks more is read than the line that says what went wrong. */
const TAILS = 200;
/** Node 0 sends the last 64 KiB of each; what is larger it did not write. */
const MAX_TAIL_BYTES = 64 * 1024;

/**
 * Reads a run's folder; the joblog as a stream, since it may have a million rows. What is not there is left out.
 * @param acceptedAt of this run: rows of tasks that began before are those of the runs it resumes
 */
export async function readRemains(
  { bucket, records }: RunStores,
  planSha256: string | undefined,
  acceptedAt = Number.NEGATIVE_INFINITY,
): Promise<Remains> {
  const { keys } = records;
  const plan = await records.plan(planSha256);
  // Only what goes on with another run's folder is given rows.
  const began = plan?.resume === undefined && plan?.workspace === undefined ? undefined : acceptedAt;
  const joblog = await bucket.stream(keys.joblog);
  const stderrTails = new Map<number, string>();
  const noted = new NotedEndings();
  const lines = await bucket.readUntrusted(keys.lastLines, { maxBytes: MAX_LAST_LINES_BYTES });
  for (const said of lastLines(lines?.text ?? '')) {
    noted.add(said);
    if (said.line !== undefined) stderrTails.set(said.seq, said.line);
  }
  const tasks = await readTasks(
    streamedRows(joblog),
    began,
    (row) => noted.of(row) ?? endingOf(row, plan?.timeouts.taskSeconds),
  );
  const outputOf = new Set<number>();
  for (const seq of failedToRead(tasks, TAILS)) {
    const tail = await bucket.readUntrusted(keys.taskOutput(seq, 'err'), { maxBytes: MAX_TAIL_BYTES });
    if (tail === undefined) continue;
    stderrTails.set(seq, tail.text);
    outputOf.add(seq);
  }
  return {
    plan,
    progress: (await records.progress()).progress,
    nodes: await records.nodes(),
    load: parseLoad((await bucket.readUntrusted(keys.load, { maxBytes: MAX_LOAD_BYTES }))?.text),
    tasks,
    stderrTails,
    outputOf,
    manifest: (await bucket.readUntrusted(keys.manifest))?.text ?? '',
    outputs: await records.outputs(),
    versions: await records.versions(),
  };
}
