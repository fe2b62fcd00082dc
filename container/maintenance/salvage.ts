import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { runKeys } from '../../experiment/layout/bucket-keys.ts';
import type { Plan, SierraWork } from '../../experiment/plan/plan.ts';
import { parsePlan } from '../../experiment/plan/plan.ts';
import type { Salvaged } from '../../experiment/records/maintenance.ts';
import type { JoblogRow } from '../../experiment/results/joblog.ts';
import { renderJoblogRow, succeeded } from '../../experiment/results/joblog.ts';
import { sierraBatchRoot } from '../../experiment/sierra/arguments.ts';
import { Before } from '../outputs/before.ts';
import { sendOutputs } from '../outputs/send-outputs.ts';
import { newestBatchJoblog } from '../sierra/find-joblog.ts';
import type { RunFolders } from '../storage/run-folders.ts';
import { runFolders, usersOf } from '../storage/run-folders.ts';
import { sendFailedOutput } from '../tasks/failed-output.ts';
import { finalRows, joblogBytes } from '../tasks/joblog-file.ts';
import { HeldResults, sendResultLines } from '../tasks/results.ts';
import { keepWholeRuns, outputsWithSetAside } from '../tasks/whole-runs.ts';
import { untilSent } from '../transfer/retry-send.ts';
import { isSurelyThere } from '../util/is-there.ts';
import type { MaintenanceContext } from './context.ts';
import { stillInUse } from './still-in-use.ts';

/** Most of the job's own time limit: what is not sent by then is told as unsent. */
const SEND_MS = 5 * 3600_000;
/** As node 0 sends of a run that it ends itself. */
const FAILED_SENT = 100;

/**
 * Sends what a lost node 0 could not: the joblog on shared storage, what failed tasks wrote, and the outputs. The run
 * must have ended, and nobody else may work in its folder.
 * @throws the SDK's and the file system's errors
 */
export async function salvage(
  around: MaintenanceContext,
  runId: string,
): Promise<Salvaged | { refused: string }> {
  const { s3, bucket, shared, clock, log } = around;
  const keys = runKeys(runId);
  const plan = parsePlan((await bucket.readUntrusted(keys.plan))?.text);
  if (plan === undefined) return { refused: `there is no plan of ${runId} in the bucket` };
  if ((await bucket.head(keys.status)) === undefined)
    return { refused: `${runId} has no status: it never began, or its folder was deleted` };
  const inUse = await stillInUse(around, usersOf(shared, 'runs', plan.folder), [runId, plan.folder]);
  if (inUse !== undefined) return { refused: inUse };
  const folders = runFolders(shared, plan);
  const signal = AbortSignal.timeout(SEND_MS);
  const joblog = await joblogOf(plan, folders);
  const rows = (joblog?.rows ?? []).filter(({ seq }) => seq <= total(plan));
  if (joblog !== undefined) {
    const text = joblogBytes(rows.toSorted((one, other) => one.seq - other.seq).map(renderJoblogRow));
    const put = () => bucket.write(keys.joblog, text, 'text/tab-separated-values');
    await untilSent(put, clock, signal);
  }
  log('Salvage:Joblog', { rows: rows.length, found: joblog !== undefined });
  const failures = rows
    .filter((row) => !succeeded(row))
    .slice(0, FAILED_SENT)
    .map((row) => ({ row }));
  const untold = await sendFailedOutput(
    s3,
    { bucket: bucket.name, runId },
    failures,
    joblog?.results ?? folders.results,
    clock,
    signal,
  );
  if (untold > 0) log('TaskOutput:NotSent', { files: untold });
  if (plan.work.kind === 'sierra' && joblog !== undefined) {
    const kept = await keepWholeRuns(dirname(joblog.results));
    log('Salvage:RunsSetAside', { runs: kept?.setAside ?? 0 });
  }
  const outputs = await outputsWithSetAside(plan, folders.tasks);
  const scratch = await mkdtemp(join(tmpdir(), 'sierra-batch-'));
  try {
    const { results, work } = plan;
    if (results !== undefined && work.kind === 'commands') {
      const own = { ...folders, results: joblog?.results ?? folders.results };
      const read = { bucket, keys, plan: { results, work }, folders: own, rows, held: new HeldResults() };
      const counts = await sendResultLines({ ...read, scratch, clock, signal });
      log('Salvage:Results', { ...counts });
    }
    const {
      files,
      listed = 0,
      missing,
      unsent = 0,
    } = await sendOutputs({
      s3,
      bucket: bucket.name,
      plan: { ...plan, outputs },
      folders,
      before: await Before.read(folders).catch(() => new Before()),
      prefix: `salvaged-${Math.floor(clock.now())}-`,
      tasks: rows.length,
      scratch,
      signal,
      clock,
      log,
    });
    return { rows: rows.length, outputs: files.length + listed, missing, unsent };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

function total({ work }: Plan): number {
  return work.kind === 'commands' && work.file.kind === 'frozen' ? work.file.total : Number.POSITIVE_INFINITY;
}

/** A run of commands has its own; SIERRA keeps one in its batch root. */
async function joblogOf(
  plan: Plan,
  folders: RunFolders,
): Promise<{ rows: JoblogRow[]; results: string } | undefined> {
  const path =
    plan.work.kind === 'commands' ? folders.joblog : await sierraJoblog(plan.work, plan, folders.tasks);
  if (path === undefined || !(await isSurelyThere(path))) return undefined;
  const results = plan.work.kind === 'commands' ? folders.results : dirname(path);
  return { rows: await finalRows(path), results };
}

/** In a workspace the newest may be another run's; where arguments do not tell the batch root it is the best guess. */
async function sierraJoblog(
  { args, pipeline }: SierraWork,
  { workspace }: Plan,
  folder: string,
): Promise<string | undefined> {
  if (!pipeline.includes(2)) return undefined;
  const root = sierraBatchRoot(args);
  const own = root === undefined ? undefined : join(folder, root, 'scratch/parallel.log');
  if (own !== undefined && (workspace !== undefined || (await isSurelyThere(own)))) return own;
  return (await newestBatchJoblog(folder))?.path;
}
