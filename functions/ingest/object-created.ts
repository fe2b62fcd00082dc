import * as z from 'zod';
import { EVENT_SOURCE, OVERLOOKED_DETAIL_TYPE } from '../../experiment/notify/event-names.ts';

/** An object that was dropped. `versionId` is absent where the bucket keeps none; the ETag stands in for it. */
export interface DroppedObject {
  bucket: string;
  key: string;
  /** What the key says if it was URL-encoded after all: EventBridge's documentation does not tell. */
  decodedKey?: string;
  versionId: string | undefined;
  etag: string;
}

const eventBridge = z.object({
  source: z.enum(['aws.s3', EVENT_SOURCE]),
  'detail-type': z.enum(['Object Created', OVERLOOKED_DETAIL_TYPE]),
  detail: z.object({
    bucket: z.object({ name: z.string() }),
    object: z.object({
      key: z.string().min(1),
      etag: z.string().default(''),
      'version-id': z.string().optional(),
    }),
  }),
});

const native = z.object({
  Records: z.array(
    z.object({
      eventSource: z.literal('aws:s3'),
      eventName: z.string(),
      s3: z.object({
        bucket: z.object({ name: z.string() }),
        object: z.object({
          key: z.string().min(1),
          eTag: z.string().default(''),
          versionId: z.string().optional(),
        }),
      }),
    }),
  ),
});

const testEvent = z.object({ Event: z.literal('s3:TestEvent') });

/**
 * The objects that an event tells of: EventBridge's "Object Created" with its plain key, settle's of a manifest whose event
 * was lost, or S3's own notification, whose
 * key is URL-encoded with `+` for a space and which may hold several records. S3's `s3:TestEvent` and events of other
 * kinds tell of none.
 * @returns undefined for something that is neither
 */
export function droppedObjects(event: unknown): DroppedObject[] | undefined {
  const bridged = eventBridge.safeParse(event);
  if (bridged.success) {
    const { bucket, object: created } = bridged.data.detail;
    const decodedKey = decodeKey(created.key);
    return [
      {
        bucket: bucket.name,
        key: created.key,
        ...(decodedKey === created.key ? {} : { decodedKey }),
        versionId: usable(created['version-id']),
        etag: unquoted(created.etag),
      },
    ];
  }
  if (testEvent.safeParse(event).success) return [];
  const notified = native.safeParse(event);
  if (!notified.success) return undefined;
  return notified.data.Records.filter(({ eventName }) => /^(s3:)?ObjectCreated:/.test(eventName)).map(
    ({ s3 }) => {
      return {
        bucket: s3.bucket.name,
        key: decodeKey(s3.object.key),
        versionId: usable(s3.object.versionId),
        etag: unquoted(s3.object.eTag),
      };
    },
  );
}

function decodeKey(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch {
    return key; // Not a key that S3 encoded: it is meant as it stands.
  }
}

/** An object written before versioning was switched on has the version `null`. */
function usable(versionId: string | undefined): string | undefined {
  return versionId === '' || versionId === 'null' ? undefined : versionId;
}

function unquoted(etag: string): string {
  return etag.replaceAll('"', '');
}
