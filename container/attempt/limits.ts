import { every } from '../../experiment/util/timers.ts';
import type { AttemptPart } from './attempt.ts';

const LOOK_MS = 1000;

/**
 * Ends the attempt at `timeouts.run` and when the budget is used up. Looks every second; `stop` ends that.
 * @param runSeconds from now on
 */
export function keepLimits(
  attempt: AttemptPart<'plan' | 'context' | 'ending' | 'progress'>,
  runSeconds = attempt.plan.timeouts.runSeconds,
): { stop(): void } {
  const { plan, context, ending, progress } = attempt;
  const { clock } = context;
  const startedAt = clock.now();
  const stop = every(clock, LOOK_MS, () => {
    if (clock.now() - startedAt >= runSeconds * 1000)
      ending.because({ kind: 'run-time-limit', seconds: runSeconds });
    const { maxNodeHours } = plan;
    const nodeHours = progress.nodeHours();
    if (maxNodeHours !== undefined && nodeHours >= maxNodeHours)
      ending.because({ kind: 'budget-used', nodeHours, maxNodeHours });
  });
  return { stop };
}
