import { Bucket } from '../../aws/bucket.ts';
import type { S3Port } from '../../aws/ports.ts';
import { runKeys } from '../../experiment/layout/bucket-keys.ts';
import type { Clock } from '../../experiment/util/clock.ts';
import { forEachBounded } from '../../experiment/util/for-each-limit.ts';
import type { Log, LogTail } from '../process/log.ts';
import { untilSent } from './retry-send.ts';

/** One after another, a thousand logs take longer than a run that is told to end has. */
const AT_ONCE = 16;

/** Sends the end of what each node said. What could not be sent is told in this node's own log. */
export async function sendNodeLogs({
  s3,
  bucket: name,
  runId,
  tails,
  clock,
  signal,
  log,
}: {
  s3: S3Port;
  bucket: string;
  runId: string;
  /** By node. */
  tails: ReadonlyMap<number, LogTail>;
  clock: Clock;
  /** Aborted when there is no more time. */
  signal: AbortSignal;
  log: Log;
}): Promise<void> {
  const { nodeLog: keyOf } = runKeys(runId);
  const bucket = new Bucket(s3, name, clock);
  await forEachBounded(tails, AT_ONCE, async ([index, tail]) => {
    const text = tail.text();
    try {
      await untilSent(() => bucket.write(keyOf(index), text, 'text/plain'), clock, signal);
    } catch (error) {
      log('NodeLog:NotSent', { index, why: String(error) });
    }
  });
}
