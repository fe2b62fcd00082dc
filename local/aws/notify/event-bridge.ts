import type { PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import { EventBridgeServiceException } from '@aws-sdk/client-eventbridge';
import type { EventsPort } from '../../../aws/ports.ts';
import type { BusEvent } from '../events/bus.ts';

/** Of one PutEvents: ten entries with a mebibyte in all. */
const MAX_ENTRIES = 10;
const MAX_BYTES = 1024 * 1024;

export interface EventBridgeSettings {
  account: string;
  region: string;
  nonce: () => string;
  now: () => number;
  /** Takes what was put, as EventBridge delivers it. */
  put: (event: BusEvent) => void;
}

/** EventBridge's PutEvents in this process. Each copy gets an id of its own, as on AWS. */
export function localEventBridge(settings: EventBridgeSettings): EventsPort {
  return {
    putEvents: async ({ Entries = [] }) => {
      const bytes = Entries.reduce((sum, { Detail = '' }) => sum + Buffer.byteLength(Detail), 0);
      if (Entries.length === 0 || Entries.length > MAX_ENTRIES || bytes > MAX_BYTES)
        throw new EventBridgeServiceException({
          name: 'ValidationException',
          message: 'one to ten entries, of a mebibyte in all',
          $fault: 'client',
          $metadata: { httpStatusCode: 400 },
        });
      const put = Entries.map((entry) => putEntry(settings, entry));
      return {
        $metadata: { httpStatusCode: 200 },
        FailedEntryCount: put.filter(({ ErrorCode }) => ErrorCode !== undefined).length,
        Entries: put,
      };
    },
  };
}

function putEntry(
  { account, region, nonce, now, put }: EventBridgeSettings,
  { Source = '', DetailType = '', Resources = [], Detail = '' }: PutEventsRequestEntry,
) {
  const detail = objectIn(Detail);
  if (Source === '' || DetailType === '' || Source.startsWith('aws.'))
    return { ErrorCode: 'InvalidArgument', ErrorMessage: 'a source and a detail type of one’s own' };
  if (detail === undefined) return { ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed.' };
  const id = nonce();
  put({
    version: '0',
    id,
    'detail-type': DetailType,
    source: Source,
    account,
    time: `${new Date(now()).toISOString().slice(0, 19)}Z`,
    region,
    resources: Resources,
    detail,
  });
  return { EventId: id };
}

function objectIn(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value))
      : undefined;
  } catch {
    return undefined;
  }
}
