/** The states that a run does not leave any more. */
export const OUTCOMES = ['succeeded', 'failed', 'cancelled', 'timed-out'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** True for a state that a run does not leave any more. */
export function isOutcome(state: string): state is Outcome {
  return (OUTCOMES as readonly string[]).includes(state);
}
