import { ENDED, TOLD_TO_END, UNKNOWN_END } from './ended.ts';
import { UNDERWAY } from './in-progress.ts';
import { MACHINE_CODES, MACHINE_WORDS } from './infrastructure.ts';
import type { Diagnosis, Observed, Situation } from './observation.ts';
import { WAITING } from './queued.ts';
import { RUNNER } from './runner-reasons.ts';

export type { Diagnosis, Observed, Sentences } from './observation.ts';

/**
 * From what was observed of a run to what a person is told: what it is, why, and what to do or type next. The status,
 * the command line, the report, the inbox and the state machine's `Cause` all say these sentences and no others.
 * A table, read from the top; the first row that fits speaks. What fits no row is told as what is known.
 */
export function diagnose(observed: Observed): Diagnosis {
  for (const situation of tableFor(observed)) {
    const sentences = situation.tell(observed);
    if (sentences !== undefined) return { situation: situation.name, ...sentences };
  }
  return {
    situation: 'unknown',
    headline: `The run is ${observed.state}.`,
    why: 'No more is known.',
    next: 'Nothing to do.',
  };
}

function tableFor({ state }: Observed): readonly Situation[] {
  switch (state) {
    case 'succeeded':
    case 'cancelled':
      return ENDED;
    case 'failed':
    case 'timed-out':
      return AFTER_FAILURE;
    default:
      return BEFORE_THE_END;
  }
}

const BEFORE_THE_END = [...UNDERWAY.slice(0, 1), ...WAITING, ...UNDERWAY.slice(1)];
/** Whom we believe: a limit or person that ended it, node 0, AWS's words, whoever else ended it, a bare exit code. */
const AFTER_FAILURE = [...ENDED, ...RUNNER, ...MACHINE_WORDS, TOLD_TO_END, ...MACHINE_CODES, ...UNKNOWN_END];
