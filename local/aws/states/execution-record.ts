/** One entry of an execution's history, in the words of GetExecutionHistory. */
export interface HistoryEvent {
  id: number;
  type: string;
  /** Milliseconds since the epoch. */
  at: number;
  state?: string;
  error?: string;
  cause?: string;
}

export type ExecutionStatus = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'ABORTED';

/** What is known of an execution; times in milliseconds since the epoch, input and output as JSON text. */
export interface ExecutionRecord {
  readonly executionArn: string;
  readonly stateMachineArn: string;
  readonly name: string;
  readonly input: string;
  readonly startedAt: number;
  status: ExecutionStatus;
  stoppedAt?: number;
  output?: string;
  error?: string;
  cause?: string;
  /** As AWS bills them, at the most: start, each state entered, each retry, and the end. */
  transitions: number;
  readonly history: HistoryEvent[];
}
