import type { Bucket } from '../aws/bucket.ts';
import { runKeys } from '../experiment/layout/bucket-keys.ts';
import { MAX_NODES_BYTES, parseNodes } from '../experiment/records/nodes.ts';
import { isOutcome } from '../experiment/records/outcome.ts';
import { MAX_PROGRESS_BYTES, parseProgress } from '../experiment/records/progress.ts';
import { MAX_STATUS_BYTES, parseStatus } from '../experiment/records/status.ts';
import type { Summary } from '../experiment/records/summary.ts';
import { MAX_SUMMARY_BYTES, parseSummary } from '../experiment/records/summary.ts';
import type { Clock } from '../experiment/util/clock.ts';
import type { RunView } from './progress-display.ts';

const LOOK_MS = 200;
/** Collect is tried for minutes; then a run has ended without a report, and no summary will come. */
const SUMMARY_WITHIN_MS = 15 * 60_000;

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

/**
 * Looks at a run until it has ended and its summary is there; undefined when `signal` ended the watch before.
 * @throws Error where no summary comes
 */
export async function watchRun(
  bucket: Bucket,
  runId: string,
  { clock, signal, onView, lookMs = LOOK_MS, nodes: withNodes = false }: WatchOptions,
): Promise<Summary | undefined> {
  const keys = runKeys(runId);
  let endedAt: number | undefined;
  while (signal?.aborted !== true) {
    const [status, progress, nodes] = await Promise.all([
      textOf(bucket, keys.status, MAX_STATUS_BYTES).then(parseStatus),
      textOf(bucket, keys.progress, MAX_PROGRESS_BYTES).then(parseProgress),
      withNodes ? textOf(bucket, keys.nodes, MAX_NODES_BYTES).then(parseNodes) : undefined,
    ]);
    onView?.({ status, progress, nodes });
    if (status !== undefined && isOutcome(status.state)) {
      const stored = await textOf(bucket, keys.summary, MAX_SUMMARY_BYTES);
      const summary = parseSummary(stored);
      if (summary !== undefined) return summary;
      // Nobody writes it anew: waiting for another would have no end.
      if (stored !== undefined) throw new Error(`${keys.summary} is not what sierra-batch wrote there`);
      endedAt ??= clock.now();
      if (clock.now() - endedAt > SUMMARY_WITHIN_MS)
        throw new Error(
          `the run ${runId} ended (${status.state}) without a report: ${status.headline} ${status.why}`,
        );
    }
    await clock.sleep(lookMs, signal).catch(() => undefined); // Aborted: the loop ends.
  }
  return undefined;
}

/** What a task has written over it is shown as absent; settle writes the status anew. */
async function textOf(bucket: Bucket, key: string, maxBytes: number): Promise<string | undefined> {
  return (await bucket.readUntrusted(key, { maxBytes }))?.text;
}
