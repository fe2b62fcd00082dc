import type { Bucket } from '../aws/bucket.ts';
import { runKeys } from '../experiment/layout/bucket-keys.ts';
import type { NodeRecord } from '../experiment/records/nodes.ts';
import { isOutcome } from '../experiment/records/outcome.ts';
import type { Progress } from '../experiment/records/progress.ts';
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
  bucket: Bucket,
  runId: string,
  { clock, signal, onView, lookMs = LOOK_MS, nodes: withNodes = false }: WatchOptions,
): Promise<Summary | undefined> {
  const keys = runKeys(runId);
  while (signal?.aborted !== true) {
    const [status, progress, nodes] = await Promise.all([
      readJson<Status>(bucket, keys.status),
      readJson<Progress>(bucket, keys.progress),
      withNodes ? readJson<NodeRecord[]>(bucket, keys.nodes) : undefined,
    ]);
    onView?.({ status, progress, nodes });
    if (status !== undefined && isOutcome(status.state)) {
      const summary = await readJson<Summary>(bucket, keys.summary);
      if (summary !== undefined) return summary;
    }
    await clock.sleep(lookMs, signal).catch(() => undefined); // Aborted: the loop ends.
  }
  return undefined;
}

/** Ours were written by ourselves. */
async function readJson<Value>(bucket: Bucket, key: string): Promise<Value | undefined> {
  const found = await bucket.read(key);
  return found === undefined ? undefined : JSON.parse(found.text);
}
