import * as z from 'zod';
import { ENDS } from './ending.ts';
import { EXIT } from './exit-code.ts';
import { amount, count, orAbsent, parseRecord, text, time, word } from './fields.ts';
import { nodeState } from './nodes.ts';
import { OUTCOMES } from './outcome.ts';
import { incompleteRuns, lostNodes, MAX_EARLIER, taskCounts } from './progress.ts';
import type { RunState } from './status.ts';

export const MAX_SUMMARY_BYTES = 16 * 1024 * 1024;
const MAX_NODES = 1000;

const failureGroup = z.object({
  signature: text,
  count,
  /** On how many different nodes. */
  nodes: count,
  example: z.object({
    seq: count,
    /** Linux starts none with an argument of more than 128 KiB. */
    command: z.string().max(256 * 1024),
    node: word,
    /** As a shell would show it: 128 + n for a signal. */
    exitval: z.int(),
    /** One name for it: a time limit and a program's own 124 are two things. */
    end: orAbsent(z.enum(ENDS)),
    stderrTail: text,
  }),
});

/** Failed tasks that look alike: they ended in the same way, with the same last line of stderr but for numbers. */
export type FailureGroup = z.infer<typeof failureGroup>;

const madeBy = z.object({
  /** Of versions.json. */
  id: word,
  from: time,
  /** Results of it. */
  tasks: count,
  /** From the newest version: `inputs and environment`; empty for that one. */
  differs: word,
});

/** How many results one version made. */
export type MadeBy = z.infer<typeof madeBy>;

const seconds = amount.nullable();

export const summaryRecord = z.object({
  runId: word,
  outcome: z.enum(OUTCOMES),
  /** The runner's, or null where it left none (its host was lost, or it never started). */
  exitCode: z.int().nullable(),
  headline: text,
  why: text,
  next: text,
  /** `before`: those among the succeeded that the runs which this one resumes had done. */
  tasks: taskCounts.extend({ before: orAbsent(count) }),
  nodes: z
    .array(
      z.object({
        index: count,
        address: word.nullable(),
        slots: count,
        tasks: count,
        busySeconds: amount,
        /** Of its slots' time, 0 to 1; null where it had none. */
        share: orAbsent(amount.nullable()),
        state: nodeState,
      }),
    )
    .max(MAX_NODES)
    .readonly(),
  /** null where the run never came so far. */
  timings: z.object({ queuedSeconds: seconds, joinSeconds: seconds, runSeconds: seconds }),
  /** Where there was more than one, oldest first. */
  attempts: orAbsent(
    z
      .array(
        z.object({
          attempt: count,
          /** Tasks that ended in it. */
          ended: count,
          /** Tasks that it had started and that had not ended with it; absent where starts are not known. */
          underWay: orAbsent(count),
          seconds,
          lost: lostNodes,
        }),
      )
      .max(MAX_EARLIER + 1)
      .readonly(),
  ),
  nodeHours: amount,
  /** What they cost at the price that the plan names; null where it is not known. */
  usd: orAbsent(amount.nullable()),
  /** Busy slot-seconds ÷ (slots × run), 0 to 1. */
  utilisation: amount.nullable(),
  failures: z.array(failureGroup).readonly(),
  /** Statistics and graphs of these are of fewer runs than there should be. */
  incomplete: incompleteRuns,
  /** Where results are of several versions. */
  madeBy: orAbsent(z.array(madeBy).max(100).readonly()),
});

/** `runs/<run-id>/summary.json`: what a run came to. Made by collect; the report shows it. */
export type Summary = z.infer<typeof summaryRecord>;

/** The same figures of a run that may still go on. */
export type SummarySoFar = Omit<Summary, 'outcome'> & { outcome: RunState };

export function parseSummary(stored: string | undefined): Summary | undefined {
  return parseRecord(summaryRecord, stored);
}

/** The code that a run ends a command with. Where no runner left one (it never started, its host was lost) the outcome stands for it. */
export function exitCodeOf({ exitCode, outcome }: Pick<Summary, 'exitCode' | 'outcome'>): number {
  if (exitCode !== null) return exitCode;
  switch (outcome) {
    case 'succeeded':
      return EXIT.succeeded;
    case 'cancelled':
      return EXIT.terminated;
    case 'timed-out':
      return EXIT.runTimeLimit;
    case 'failed':
      return EXIT.tasksFailed;
  }
}
