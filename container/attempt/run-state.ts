import type { ExperimentRuns, ResultCounts, RunnerPhase } from '../../experiment/records/progress.ts';
import type { TaskTally } from '../tasks/tally.ts';

/** Where a run stands at one moment. Times in ms since the epoch; what has not come yet is absent. */
export interface RunSnapshot {
  readonly phase: RunnerPhase;
  readonly joinedAt?: number;
  readonly tasksStartedAt?: number;
  readonly tasksEndedAt?: number;
  /** Of SIERRA. */
  readonly stage?: number;
  /** SIERRA's experiments that miss runs, known before stage 3. */
  readonly incomplete: readonly ExperimentRuns[];
  /** Absent until tasks are counted. */
  readonly tally?: TaskTally;
  /** What was read of the manifest's `results`. */
  readonly resultCounts?: ResultCounts;
  /** The folder of GNU parallel's `--results`, where tasks' output lies. */
  readonly results: string;
  /** Tasks that run now. */
  readonly running: number;
}

/** The only thing that changes while a run goes on. Sender, log and finish read its snapshot. */
export class RunState {
  readonly #onPhase: (phase: RunnerPhase) => void;
  #now: Omit<RunSnapshot, 'running'>;
  /** As the fan-out knows it. */
  #running: () => number = () => 0;

  /**
   * @param results where tasks' output lies unless the fan-out says otherwise
   * @param onPhase hears of each phase as it begins
   */
  constructor(results: string, onPhase: (phase: RunnerPhase) => void) {
    this.#now = { phase: 'checking', incomplete: [], results };
    this.#onPhase = onPhase;
  }

  enter(phase: RunnerPhase): void {
    this.#now = { ...this.#now, phase };
    this.#onPhase(phase);
  }

  /** The nodes are gathered, and tasks may begin. */
  nodesJoined(at: number): void {
    this.#now = { ...this.#now, joinedAt: at, tasksStartedAt: at };
  }

  /** From here on tasks are counted. @param results replaces the folder of their output */
  countTasks(tally: TaskTally, results = this.#now.results): void {
    this.#now = { ...this.#now, tally, results };
  }

  /** A fan-out runs them. */
  startTasks(running: () => number): void {
    this.#running = running;
  }

  /** None runs any more. @param at absent where others may follow */
  endTasks(at?: number): void {
    this.#running = () => 0;
    if (at !== undefined) this.#now.tally?.cutOff(at);
    if (at !== undefined) this.#now = { ...this.#now, tasksEndedAt: at };
  }

  startStage(stage: number): void {
    this.#now = { ...this.#now, stage };
  }

  experimentsJudged(incomplete: readonly ExperimentRuns[]): void {
    this.#now = { ...this.#now, incomplete };
  }

  resultsRead(resultCounts: ResultCounts): void {
    this.#now = { ...this.#now, resultCounts };
  }

  snapshot(): RunSnapshot {
    return { ...this.#now, running: this.#running() };
  }
}
