/** The runner's exit codes, which are the job's: main's exit code is the only one Batch shows. */
export const EXIT = {
  /** Every task succeeded. */
  succeeded: 0,
  /** Some tasks failed. */
  tasksFailed: 1,
  /** Bad environment or plan. */
  badEnvironment: 2,
  /** Too few nodes joined in time. Retried by Batch. */
  tooFewJoined: 3,
  /** Too many nodes were lost. Retried by Batch. */
  tooManyLost: 4,
  /** SIERRA failed outside its tasks; the stage is named. */
  sierraFailed: 5,
  /** Another job owns the run. Never ends a run. */
  notOwner: 6,
  /** `budget.maxNodeHours` used up. */
  budgetUsed: 7,
  /** `timeouts.run` reached. */
  runTimeLimit: 124,
  /** Terminated from outside. */
  terminated: 143,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
