import { EXIT } from './exit-code.ts';
import type { NodeState } from './nodes.ts';
import type { Outcome } from './outcome.ts';
import type { ExperimentRuns, TaskCounts } from './progress.ts';

/** Failed tasks that look alike: same exit code or signal, and the same last line of stderr but for numbers. */
export interface FailureGroup {
  signature: string;
  count: number;
  /** On how many different nodes. */
  nodes: number;
  example: {
    seq: number;
    command: string;
    node: string;
    exitval: number;
    signal: number;
    stderrTail: string;
  };
}

/** `runs/<run-id>/summary.json`: what a run came to. Made by collect; the report shows it. */
export interface Summary {
  runId: string;
  outcome: Outcome;
  /** The runner's, or null where it left none (its host was lost, or it never started). */
  exitCode: number | null;
  headline: string;
  why: string;
  next: string;
  tasks: TaskCounts;
  nodes: readonly {
    index: number;
    address: string | null;
    slots: number;
    tasks: number;
    busySeconds: number;
    state: NodeState;
  }[];
  /** null where the run never came so far. */
  timings: { queuedSeconds: number | null; joinSeconds: number | null; runSeconds: number | null };
  nodeHours: number;
  /** Busy slot-seconds ÷ (slots × run), 0 to 1. */
  utilisation: number | null;
  failures: readonly FailureGroup[];
  /** SIERRA's experiments whose statistics and graphs are of fewer runs than there should be; absent where there is none. */
  incomplete?: readonly ExperimentRuns[];
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
