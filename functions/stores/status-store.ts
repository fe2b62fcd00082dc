import type { Bucket } from '../../aws/bucket.ts';
import { runKeys } from '../../experiment/layout/bucket-keys.ts';
import type { ObservedEvent } from '../../experiment/records/observed-event.ts';
import { MAX_EVENT_BYTES, parseObservedEvent } from '../../experiment/records/observed-event.ts';
import type { Status } from '../../experiment/records/status.ts';
import { MAX_STATUS_BYTES, parseStatus } from '../../experiment/records/status.ts';
import { eventId, reduceStatus } from '../../experiment/status/reduce.ts';
import { ControlConflict } from '../../experiment/util/errors.ts';

const TRIES = 10;

/**
 * Writes down what was observed and makes the status anew from everything that ever was. A status that holds all of it
 * already costs one read. The status is read before the events: whoever adds one meanwhile makes this write fail.
 * @returns the status as it stands
 * @throws ControlConflict when the status keeps changing
 */
export async function observe(
  bucket: Bucket,
  runId: string,
  seen: readonly ObservedEvent[],
): Promise<Status> {
  const keys = runKeys(runId);
  for (let tried = 1; tried <= TRIES; tried += 1) {
    const stored = await bucket.readUntrusted(keys.status, { maxBytes: MAX_STATUS_BYTES });
    const standing = parseStatus(stored?.text);
    const held = new Set(standing?.events);
    const fresh = seen.filter((event) => !held.has(eventId(event)));
    if (fresh.length === 0 && standing !== undefined) return standing;
    for (const event of fresh)
      await bucket.writeIf(keys.event(eventId(event)), JSON.stringify(event), { ifAbsent: true });
    const status = reduceStatus(runId, await readEvents(bucket, runId));
    const text = JSON.stringify(status, undefined, 1);
    const condition = stored === undefined ? { ifAbsent: true as const } : { ifMatch: stored.etag };
    if (await bucket.writeIf(keys.status, text, condition)) return status;
  }
  throw new ControlConflict(`the status of ${runId} changed ${TRIES} times meanwhile`);
}

/** The status as it stands, or undefined where there is none. */
export async function readStatus(bucket: Bucket, runId: string): Promise<Status | undefined> {
  const found = await bucket.readUntrusted(runKeys(runId).status, { maxBytes: MAX_STATUS_BYTES });
  return parseStatus(found?.text);
}

/** Tasks can write into a run's folder: what is no event there must not keep the run from its end. */
async function readEvents(bucket: Bucket, runId: string): Promise<ObservedEvent[]> {
  const events: ObservedEvent[] = [];
  for await (const { key } of bucket.list(runKeys(runId).events)) {
    const found = await bucket.readUntrusted(key, { maxBytes: MAX_EVENT_BYTES });
    const event = parseObservedEvent(found?.text);
    if (event !== undefined) events.push(event);
  }
  return events;
}
