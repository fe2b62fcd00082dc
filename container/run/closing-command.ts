import type { RunnerReason } from '../../experiment/records/progress.ts';
import type { Attempt } from '../attempt/attempt.ts';
import { keepLimits } from '../attempt/limits.ts';
import type { Cluster } from '../join/cluster.ts';
import { taskEnvironment } from '../tasks/variables.ts';
import { runOnMain } from './run-on-main.ts';

const RELEASE_MS = 4000;

/**
 * `run.finally`: once every task has ended by itself, also when some failed, on node 0 in the tasks' folder, with the
 * workers released. What it changes is sent with the outputs. Answers why the run ends.
 */
export async function runClosingCommand(
  attempt: Attempt,
  cluster: Cluster,
  reason: RunnerReason,
): Promise<RunnerReason> {
  const { plan, config, ending, state, log } = attempt;
  const failed = failedOfAll(reason);
  if (plan.finally === undefined || failed === undefined || ending.reason !== undefined) return reason;
  state.endTasks(attempt.context.clock.now());
  await cluster.release(RELEASE_MS);
  const environment = taskEnvironment(plan, config.variables);
  const { finallySeconds } = plan.timeouts;
  // Its own time is on top of `timeouts.run`; the budget is that of the whole run.
  const limits = keepLimits(attempt, Number.POSITIVE_INFINITY);
  log('Finally:Started', { command: plan.finally });
  const { code, tail, isLate } = await runOnMain(attempt, {
    says: 'Finally',
    program: 'bash',
    args: ['-c', plan.finally],
    environment,
    limitMs: finallySeconds && finallySeconds * 1000,
  });
  limits.stop();
  log('Finally:Ended', { code });
  if (ending.reason !== undefined) return ending.reason;
  if (code === 0 && !isLate) return reason;
  const late = isLate ? { limitSeconds: finallySeconds ?? 0 } : {};
  return { kind: 'finally-failed', exitCode: code, tail, failed, ...late };
}

/** How many tasks failed, where all have ended; undefined where the run was cut short. */
function failedOfAll(reason: RunnerReason): number | undefined {
  if (reason.kind === 'succeeded') return 0;
  return reason.kind === 'tasks-failed' && reason.lost === 0 ? reason.failed : undefined;
}
