import type { Plan } from '../../experiment/plan/plan.ts';
import type { Control } from '../../experiment/records/control.ts';
import type { RunView } from '../../experiment/run/next-step.ts';
import type { FunctionDeps } from '../deps.ts';
import { describeJobs } from '../stores/batch-jobs.ts';
import { observeExecution } from '../stores/executions.ts';
import type { RunRecords } from '../stores/run-records.ts';

/** What one call of settle has learnt of a run so far. */
export interface Knowledge {
  /** Ids of jobs that an event, a list or a submission named. */
  jobIds: Set<string>;
  lookedUp: boolean;
  plan: Plan | undefined;
}

/** Asks AWS and the bucket how the run is; believes nothing that an event said. */
export async function lookAtRun(
  deps: FunctionDeps,
  records: RunRecords,
  control: Control,
  known: Knowledge,
): Promise<RunView> {
  const { runId } = control;
  const owner = await records.owner();
  const ids = new Set(known.jobIds);
  if (control.job !== undefined) ids.add(control.job.id);
  if (owner !== undefined) ids.add(owner.jobId);
  known.plan ??= await records.plan(control.planSha256);
  return {
    now: deps.clock.now(),
    control,
    execution: await observeExecution(deps, runId),
    jobs: ids.size === 0 ? [] : await describeJobs(deps, control, [...ids]),
    lookedUp: known.lookedUp,
    owner,
    ...(control.job === undefined ? { progress: undefined, heardAt: undefined } : await records.progress()),
    plan: known.plan,
  };
}
