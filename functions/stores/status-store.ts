import type { Bucket } from '../../aws/bucket.ts';
import { runKeys } from '../../experiment/layout/bucket-keys.ts';
import type { ObservedEvent, Status } from '../../experiment/records/status.ts';
import { eventId, reduceStatus } from '../../experiment/status/reduce.ts';
import { ControlConflict } from '../../experiment/util/errors.ts';
import { parsedJson } from '../../experiment/util/parse-json.ts';

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
    const stored = await bucket.readUntrusted(keys.status);
    const held = new Set(eventsOf(stored?.text));
    const fresh = seen.filter((event) => !held.has(eventId(event)));
    if (fresh.length === 0 && stored !== undefined) return JSON.parse(stored.text);
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
  const found = await bucket.readUntrusted(runKeys(runId).status);
  return found === undefined || eventsOf(found.text).length === 0 ? undefined : JSON.parse(found.text);
}

async function readEvents(bucket: Bucket, runId: string): Promise<ObservedEvent[]> {
  const events: ObservedEvent[] = [];
  for await (const { key } of bucket.list(runKeys(runId).events)) {
    const found = await bucket.readUntrusted(key);
    const event = parsedJson(found?.text);
    if (isEvent(event)) events.push(event);
  }
  return events;
}

function eventsOf(text: string | undefined): readonly string[] {
  const status = parsedJson(text);
  const events = typeof status === 'object' && status !== null && 'events' in status ? status.events : [];
  return Array.isArray(events) ? events.filter((event) => typeof event === 'string') : [];
}

/** Tasks can write into a run's folder: what is no event there must not keep the run from its end. */
function isEvent(value: unknown): value is ObservedEvent {
  return (
    typeof value === 'object' &&
    value !== null &&
    'kind' in value &&
    typeof value.kind === 'string' &&
    'at' in value &&
    Number.isFinite(value.at)
  );
}
