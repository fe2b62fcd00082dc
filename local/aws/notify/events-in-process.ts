import type { PutEventsCommandOutput } from '@aws-sdk/client-eventbridge';
import { EventBridgeServiceException, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import type { EventsPort } from '../../../aws/ports.ts';
import type { BusEvent } from '../events/bus.ts';

/** Of one PutEvents: ten entries with a mebibyte in all. */
const MOST_ENTRIES = 10;
const MOST_BYTES = 1024 * 1024;

interface EventsSettings {
  account: string;
  region: string;
  nonce: () => string;
  now: () => number;
  /** Takes what was put, as EventBridge delivers it. */
  put: (event: BusEvent) => void;
}

/** EventBridge's PutEvents in this process. Each copy gets an id of its own, as on AWS. */
export class EventsInProcess implements EventsPort {
  readonly #settings: EventsSettings;

  constructor(settings: EventsSettings) {
    this.#settings = settings;
  }

  async send(command: PutEventsCommand): Promise<PutEventsCommandOutput> {
    if (!(command instanceof PutEventsCommand))
      throw new TypeError(`the local EventBridge does not know ${Object(command).constructor.name}`);
    const { Entries = [] } = command.input;
    const bytes = Entries.reduce((sum, { Detail = '' }) => sum + Buffer.byteLength(Detail), 0);
    if (Entries.length === 0 || Entries.length > MOST_ENTRIES || bytes > MOST_BYTES)
      throw new EventBridgeServiceException({
        name: 'ValidationException',
        message: 'one to ten entries, of a mebibyte in all',
        $fault: 'client',
        $metadata: { httpStatusCode: 400 },
      });
    const put = Entries.map((entry) => this.#putEntry(entry));
    return {
      $metadata: { httpStatusCode: 200 },
      FailedEntryCount: put.filter(({ ErrorCode }) => ErrorCode !== undefined).length,
      Entries: put,
    };
  }

  #putEntry(entry: NonNullable<PutEventsCommand['input']['Entries']>[number]) {
    const { account, region, nonce, now, put } = this.#settings;
    const { Source = '', DetailType = '', Resources = [], Detail = '' } = entry;
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
