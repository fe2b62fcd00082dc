import type { PutObjectCommandInput } from '@aws-sdk/client-s3';
import { statusOf } from '../../../../aws/errors.ts';
import type { BatchPort, EventsPort, MailPort, S3Port, StatesPort } from '../../../../aws/ports.ts';
import { RUNS_PAGE_KEY } from '../../../../experiment/layout/bucket-keys.ts';
import { awsError } from './hostile-calls.ts';

/** A mistake made on purpose: what the control plane would do without one of its safeguards. */
export interface Mutation {
  s3?: (s3: S3Port) => S3Port;
  batch?: (batch: BatchPort) => BatchPort;
  states?: (states: StatesPort) => StatesPort;
  events?: (events: EventsPort) => EventsPort;
  mail?: (mail: MailPort) => MailPort;
  /** Of the nodes. */
  nodeS3?: (s3: S3Port) => S3Port;
  /** Nobody looks every minute: only events and the state machine call settle. */
  hasNoSchedule?: true;
}

/** A simulation that never found a planted mistake proves nothing: these are kept, and a test wants each found. */
export const MUTANTS: Readonly<Record<string, Mutation>> = {
  /** The claim and every other compare-and-swap of the record become plain writes. */
  'no-claim': { s3: (s3) => unconditional(s3, isControl) },
  /** Batch is never asked which jobs there are: not before a submission is repeated, not every minute. */
  'no-look-up': { batch: (batch) => ({ ...batch, listJobs: async () => ({ ...DONE, jobSummaryList: [] }) }) },
  /** Every job takes the run, whoever has it. */
  'no-fence': { nodeS3: (s3) => hidden(unconditional(s3, isOwner), isOwner) },
  /** The intent to submit is not written down. */
  'no-intent': {
    s3: (s3) =>
      writing(s3, isControl, (input) => {
        if (input.Body === '') return input;
        const { submitting: _, ...record } = JSON.parse(String(input.Body));
        return { ...input, Body: JSON.stringify(record) };
      }),
  },
  /** A write of the record whose condition did not hold counts as done. */
  'ignores-412': { s3: (s3) => forgiving(s3, 412) },
  /** A write that another one crossed counts as done. */
  'ignores-409': { s3: (s3) => forgiving(s3, 409) },
  /** SubmitJob is sent again after an error, as the SDK would do by itself. */
  'submits-again': {
    batch: (batch) => ({
      ...batch,
      submitJob: async (input) => {
        await batch.submitJob(input);
        return batch.submitJob(input);
      },
    }),
  },
  /** The sweep starts from live jobs only. */
  'no-open-marks': {
    s3: (s3) => ({
      ...s3,
      listObjectsV2: async (input) =>
        input.Prefix?.startsWith('control/') === true ? { ...DONE, Contents: [] } : s3.listObjectsV2(input),
    }),
  },
  'no-schedule': { hasNoSchedule: true },
  /** Nobody looks for manifests whose event was lost. */
  'no-manifest-search': { s3: (s3) => ({ ...s3, listObjectVersions: async () => DONE }) },
  'no-terminate': { batch: (batch) => ({ ...batch, terminateJob: async () => DONE }) },
  /** The state machine is never told that the job has ended. */
  'no-token-sent': { states: (states) => ({ ...states, sendTaskSuccess: async () => DONE }) },
  /** An execution that was aborted, or failed past its catches, is believed to run. */
  'executions-always-run': {
    states: (states) => ({
      ...states,
      describeExecution: async (input) => ({
        ...(await states.describeExecution(input)),
        status: 'RUNNING',
      }),
    }),
  },
  /** Events are sent nowhere. */
  'no-event': { events: () => ({ putEvents: async () => ({ ...DONE, FailedEntryCount: 0, Entries: [] }) }) },
  /** Mails are sent nowhere. */
  'no-mail': { mail: () => ({ publish: async () => DONE }) },
  /** What was told is not written down. */
  'no-told-mark': { s3: (s3) => rewritten(s3, ({ keys: _, ...told }) => ({ keys: [], ...told })) },
  /** Whoever is telling does not say so first. */
  'no-telling-lease': { s3: (s3) => rewritten(s3, ({ telling: _, ...told }) => told) },
  /** The lease of whoever was killed while telling is believed for ever. */
  'lease-for-ever': {
    s3: (s3) =>
      rewritten(s3, ({ telling, ...told }) =>
        telling === undefined ? told : { ...told, telling: { ...Object(telling), leaseUntil: 9e15 } },
      ),
  },
  /** The page of runs is not written. */
  'no-runs-page': {
    s3: (s3) =>
      writing(
        s3,
        (key) => key === RUNS_PAGE_KEY,
        () => undefined,
      ),
  },
  /** Faults of a manifest are found and told to nobody. */
  'no-rejection': {
    s3: (s3) =>
      writing(
        s3,
        (key) => key.startsWith('rejected/'),
        () => undefined,
      ),
  },
};

/** An answer that says nothing. */
const DONE = { $metadata: {} };

/** Writes of some objects are done otherwise, or not at all. */
function writing(
  s3: S3Port,
  concerns: (key: string) => boolean,
  change: (input: PutObjectCommandInput) => PutObjectCommandInput | undefined,
): S3Port {
  return {
    ...s3,
    putObject: async (input) => {
      const wanted = concerns(input.Key ?? '') ? change(input) : input;
      return wanted === undefined ? DONE : s3.putObject(wanted);
    },
  };
}

/** What is written down of who was told what, in a run's record and in a rejection's, becomes something else. */
function rewritten(s3: S3Port, change: (told: Record<string, unknown>) => Record<string, unknown>): S3Port {
  return writing(s3, isControl, (input) => {
    if (input.Body === '') return input;
    const record = JSON.parse(String(input.Body));
    const isOfRejection = input.Key?.startsWith('control/rejected/') === true;
    const told = isOfRejection ? record : record.told;
    if (told === undefined) return input;
    return {
      ...input,
      Body: JSON.stringify(isOfRejection ? change(told) : { ...record, told: change(told) }),
    };
  });
}

function isOwner(key: string): boolean {
  return key.endsWith('/owner.json');
}

function isControl(key: string): boolean {
  return key.startsWith('control/');
}

function unconditional(s3: S3Port, concerns: (key: string) => boolean): S3Port {
  return writing(s3, concerns, ({ IfMatch: _match, IfNoneMatch: _none, ...input }) => input);
}

function hidden(s3: S3Port, concerns: (key: string) => boolean): S3Port {
  return {
    ...s3,
    getObject: async (input) => {
      if (concerns(input.Key ?? '')) throw awsError('NoSuchKey', 404);
      return s3.getObject(input);
    },
  };
}

/** A conditional write of the record that is refused with this status seems to be done. */
function forgiving(s3: S3Port, status: number): S3Port {
  return {
    ...s3,
    putObject: async (input) => {
      try {
        return await s3.putObject(input);
      } catch (error) {
        if (isControl(input.Key ?? '') && statusOf(error) === status) return DONE;
        throw error;
      }
    },
  };
}
