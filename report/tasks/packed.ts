/** What the table of tasks is given besides the bars of the timeline. */
export interface TasksData {
  /** All tasks of the run. */
  total: number;
  /** The run goes on. */
  isLive: boolean;
  /** Failed tasks whose own output is beside the page. */
  kept: readonly number[];
  /** {@link PackedTasks} as JSON, deflated without header, in base64. */
  packed: string;
}

export interface PackedTasks {
  /** Names of parameters; `command` of tasks that have none. */
  keys: readonly string[];
  /** For each key the values of the tasks, in their order. */
  columns: readonly (readonly string[])[];
  /** The tasks that the table holds, in order; absent where it holds all of them. */
  chosen?: readonly number[];
  /** Tasks that the runs which this one resumes had done. */
  before: readonly number[];
}
