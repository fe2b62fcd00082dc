import { GetObjectCommand } from '@aws-sdk/client-s3';
import type { S3Port } from '../aws/ports.ts';
import { runKeys } from '../experiment/layout/bucket-keys.ts';
import { isOutcome } from '../experiment/records/outcome.ts';
import type { NodeRecord, Progress } from '../experiment/records/progress.ts';
import type { Status } from '../experiment/records/status.ts';
import type { Summary } from '../experiment/records/summary.ts';
import type { Clock } from '../experiment/util/clock.ts';
import type { RunView } from './progress-display.ts';

const LOOK_MS = 200;

interface WatchOptions {
  clock: Clock;
  /** Ends the watch, not the run. */
  signal?: AbortSignal;
  /** Called with every look. */
  onView?: (view: RunView) => void;
  /** Milliseconds between two looks. */
  lookMs?: number;
  /** Looks at the single nodes, too. */
  nodes?: boolean;
}

/** Looks at a run until it has ended and its summary is there; undefined when `signal` ended the watch before. */
export async function watchRun(
  { s3, bucket, runId }: { s3: S3Port; bucket: string; runId: string },
  { clock, signal, onView, lookMs = LOOK_MS, nodes: withNodes = false }: WatchOptions,
): Promise<Summary | undefined> {
  const keys = runKeys(runId);
  while (signal?.aborted !== true) {
    const [status, progress, nodes] = await Promise.all([
      readJson<Status>(s3, bucket, keys.status),
      readJson<Progress>(s3, bucket, keys.progress),
      withNodes ? readJson<NodeRecord[]>(s3, bucket, keys.nodes) : undefined,
    ]);
    onView?.({ status, progress, nodes });
    if (status !== undefined && isOutcome(status.state)) {
      const summary = await readJson<Summary>(s3, bucket, keys.summary);
      if (summary !== undefined) return summary;
    }
    await clock.sleep(lookMs, signal).catch(() => undefined); // Aborted: the loop ends.
  }
  return undefined;
}

/** An object of the bucket as JSON; undefined where there is none yet. */
export async function readJson<Value>(s3: S3Port, bucket: string, key: string): Promise<Value | undefined> {
  const text = await readText(s3, bucket, key);
  return text === undefined ? undefined : JSON.parse(text);
}

export async function readText(s3: S3Port, bucket: string, key: string): Promise<string | undefined> {
  try {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    return await Body?.transformToString();
  } catch (error) {
    if (error instanceof Error && (error.name === 'NoSuchKey' || error.name === 'AccessDenied'))
      return undefined;
    throw error;
  }
}
