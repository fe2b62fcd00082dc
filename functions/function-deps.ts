import type { Clock, MakeNonce } from '../experiment/clock.ts';
import type { Deployment } from '../experiment/deployment.ts';
import type { BatchPort, S3Port, StatesPort } from '../experiment/ports.ts';

/** Everything a function works with; `live.ts` makes it on AWS, the local system and the tests make their own. */
export interface FunctionDeps {
  s3: S3Port;
  batch: BatchPort;
  states: StatesPort;
  clock: Clock;
  nonce: MakeNonce;
  deployment: Deployment;
  logger: LogPort;
  metrics: MetricsPort;
}

/** Log lines are events with fields: `Run:Accepted {runId}`. No token, no environment, no manifest's text in them. */
interface LogPort {
  info(event: string, fields: Record<string, unknown>): void;
  warn(event: string, fields: Record<string, unknown>): void;
  error(event: string, fields: Record<string, unknown>): void;
}

type CountedEvent =
  | 'ManifestAccepted'
  | 'ManifestRejected'
  | 'JobSubmitted'
  | 'JobTerminated'
  | 'RunEnded'
  | 'FunctionFailed';

interface MetricsPort {
  count(event: CountedEvent): void;
  /** Sends what was counted; once a call. */
  flush?(): void;
}
