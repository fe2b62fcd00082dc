import type { Plan } from './plan.ts';
import { COLLECT_SECONDS } from './plan.ts';

/** How much longer the state machine waits than the deadline: settle, which can say why, comes first. */
const SLACK_SECONDS = 3600;

/**
 * Batch's limit covers the whole attempt and ends it without a word; the runner keeps `timeouts.run` itself, tells why,
 * and needs the rest for joining before and sending after.
 */
export function attemptSeconds({ joinSeconds, runSeconds, finallySeconds = 0 }: Plan['timeouts']): number {
  return Math.max(60, joinSeconds + runSeconds + finallySeconds + COLLECT_SECONDS);
}

/** All attempts of the job with all their limits, in seconds: after that a run has no right to exist. */
export function runSeconds({ timeouts, retry }: Pick<Plan, 'timeouts' | 'retry'>): number {
  const attempt =
    timeouts.queueSeconds +
    timeouts.joinSeconds +
    timeouts.runSeconds +
    (timeouts.finallySeconds ?? 0) +
    (timeouts.graceSeconds ?? 0) +
    COLLECT_SECONDS;
  return Math.ceil(retry.attempts * attempt);
}

/** The time limit of the state `Run`, in whole seconds as Step Functions wants it. */
export function executionSeconds(plan: Pick<Plan, 'timeouts' | 'retry'>): number {
  return runSeconds(plan) + SLACK_SECONDS;
}
