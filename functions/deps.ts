import type { BatchPort, EventsPort, MailPort, S3Port, StatesPort } from '../aws/ports.ts';
import type { Deployment } from '../experiment/deployment/deployment.ts';
import type { Clock, MakeNonce } from '../experiment/util/clock.ts';

/** Everything a function works with; `live.ts` makes it on AWS, the local system and the tests make their own. */
export interface FunctionDeps {
  s3: S3Port;
  batch: BatchPort;
  states: StatesPort;
  events: EventsPort;
  mail: MailPort;
  clock: Clock;
  nonce: MakeNonce;
  deployment: Deployment;
  logger: LogPort;
  metrics: MetricsPort;
}

/** Log lines are events with fields: `Run:Accepted {runId}`. No token, no environment, no manifest's text in them. */
interface LogPort {
  info(event: string, fields: LogFields): void;
  warn(event: string, fields: LogFields): void;
  error(event: string, fields: LogFields): void;
}

/** Powertools drops a field of this name, since the event is one. */
type LogFields = Record<string, unknown> & { message?: never };

export type CountedEvent =
  | 'ManifestAccepted'
  | 'ManifestRejected'
  | 'JobSubmitted'
  | 'JobTerminated'
  | 'RunEnded'
  | 'FunctionFailed'
  | 'RunSucceeded'
  | 'RunFailed'
  | 'RunCancelled'
  | 'RunTimedOut'
  | 'RunStuck'
  | 'NotTold';

/** Figures of runs that have ended. */
type MeasuredFigure =
  | 'TasksSucceeded'
  | 'TasksFailed'
  | 'TasksLost'
  | 'NodeHours'
  | 'QueueSeconds'
  | 'JoinSeconds'
  | 'RunSeconds';

interface MetricsPort {
  count(event: CountedEvent): void;
  /** Of one run. */
  measure(figure: MeasuredFigure, value: number): void;
  /** Sends what was counted; once a call. */
  flush?(): void;
}
