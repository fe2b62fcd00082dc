import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import type { Bucket } from '../../aws/bucket.ts';
import type { BatchPort, StatesPort } from '../../aws/ports.ts';
import type { Deployment } from '../../experiment/deployment/deployment.ts';
import type { Finding } from './finding.ts';
import type { RunStore } from './run-store.ts';

/** Clients are made when they are first asked for: most commands need one of them. */
export interface LiveSystem {
  bucket(): Promise<Bucket>;
  states(): Promise<StatesPort>;
  batch(): Promise<BatchPort>;
  /** Who is at work: by IAM on AWS, otherwise as this machine calls them. */
  user(): Promise<string>;
  /** AWS only. */
  logs?: { group: string; client(): Promise<Pick<CloudWatchLogsClient, 'send'>> };
  deployment: Deployment;
}

/**
 * The system that a command talks to: a stack on AWS, a local system that is up, or the folder that a local system has
 * left, which can be read but does nothing any more (`live` is missing).
 */
export interface Target {
  kind: 'stack' | 'local';
  /** For people: `the stack lab`, `the local system in .sierra-batch`. */
  name: string;
  store: RunStore;
  live?: LiveSystem;
  own?: OwnSystem;
  /** Looks at all that a user of it needs; AWS only. */
  inspect?(): Promise<Finding[]>;
  /** Where a key of the bucket is, as a person would open or copy it. */
  place(key: string): string;
  /** `.sierra-batch`, absolute; local only. */
  folder?: string;
  /** Milliseconds between two looks at a run. */
  lookMs: number;
  /** How long a dropped manifest may take to become a run or a rejection, in milliseconds. */
  acceptedWithinMs: number;
}

/** A system that does something, and not only what one has left. */
export type LiveTarget = Target & { live: LiveSystem };

/** A local system that this very command keeps up. */
export type OwnTarget = LiveTarget & { own: OwnSystem };

interface OwnSystem {
  /** Aborted when the command was asked to end: its runs are being stopped. */
  stopping: AbortSignal;
  /** What the system has to say goes there; without one, to standard error again. */
  sayBy(say?: (line: string) => void): void;
}

export function isLive(target: Target): target is LiveTarget {
  return target.live !== undefined;
}
