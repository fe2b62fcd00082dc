import { ListJobsCommand, SubmitJobCommand, TerminateJobCommand } from '@aws-sdk/client-batch';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { DescribeExecutionCommand, SendTaskSuccessCommand } from '@aws-sdk/client-sfn';
import type { BatchPort, EventsPort, MailPort, S3Port, StatesPort } from '../../../../aws/ports.ts';
import { RUNS_PAGE_KEY } from '../../../../experiment/layout/bucket-keys.ts';
import type { SentCommand } from './hostile-calls.ts';
import { awsError, sendingBy } from './hostile-calls.ts';

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
  'no-look-up': {
    batch: (batch) =>
      instead(batch, (command) => (command instanceof ListJobsCommand ? { jobSummaryList: [] } : undefined)),
  },
  /** Every job takes the run, whoever has it. */
  'no-fence': { nodeS3: (s3) => hidden(unconditional(s3, isOwner), isOwner) },
  /** The intent to submit is not written down. */
  'no-intent': {
    s3: (s3) =>
      sendingBy(s3, (send) => (command) => {
        if (!(command instanceof PutObjectCommand) || !isControl(keyOf(command))) return send(command);
        const { submitting: _, ...record } = JSON.parse(String(command.input.Body) || '{}');
        const text = command.input.Body === '' ? '' : JSON.stringify(record);
        return send(new PutObjectCommand({ ...command.input, Body: text }));
      }),
  },
  /** A write of the record whose condition did not hold counts as done. */
  'ignores-412': { s3: (s3) => forgiving(s3, 412) },
  /** A write that another one crossed counts as done. */
  'ignores-409': { s3: (s3) => forgiving(s3, 409) },
  /** SubmitJob is sent again after an error, as the SDK would do by itself. */
  'submits-again': {
    batch: (batch) =>
      sendingBy(batch, (send) => async (command) => {
        if (!(command instanceof SubmitJobCommand)) return send(command);
        await send(command);
        return send(command);
      }),
  },
  /** The sweep starts from live jobs only. */
  'no-open-marks': {
    s3: (s3) =>
      instead(s3, (command) =>
        command instanceof ListObjectsV2Command && command.input.Prefix?.startsWith('control/') === true
          ? { Contents: [] }
          : undefined,
      ),
  },
  'no-schedule': { hasNoSchedule: true },
  'no-terminate': {
    batch: (batch) => instead(batch, (command) => (command instanceof TerminateJobCommand ? {} : undefined)),
  },
  /** The state machine is never told that the job has ended. */
  'no-token-sent': {
    states: (states) =>
      instead(states, (command) => (command instanceof SendTaskSuccessCommand ? {} : undefined)),
  },
  /** An execution that was aborted, or failed past its catches, is believed to run. */
  'executions-always-run': {
    states: (states) =>
      sendingBy(states, (send) => async (command) => {
        const output = await send(command);
        return command instanceof DescribeExecutionCommand
          ? Object.assign(Object(output), { status: 'RUNNING' })
          : output;
      }),
  },
  /** Events are sent nowhere. */
  'no-event': { events: (events) => instead(events, () => ({ FailedEntryCount: 0, Entries: [] })) },
  /** Mails are sent nowhere. */
  'no-mail': { mail: (mail) => instead(mail, () => ({})) },
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
      instead(s3, (command) =>
        command instanceof PutObjectCommand && keyOf(command) === RUNS_PAGE_KEY ? {} : undefined,
      ),
  },
  /** Faults of a manifest are found and told to nobody. */
  'no-rejection': {
    s3: (s3) =>
      instead(s3, (command) =>
        command instanceof PutObjectCommand && keyOf(command).startsWith('rejected/') ? {} : undefined,
      ),
  },
};

/** What is written down of who was told what, in a run's record and in a rejection's, becomes something else. */
function rewritten(s3: S3Port, change: (told: Record<string, unknown>) => Record<string, unknown>): S3Port {
  return sendingBy(s3, (send) => (command) => {
    if (!(command instanceof PutObjectCommand) || !isControl(keyOf(command)) || command.input.Body === '')
      return send(command);
    const record = JSON.parse(String(command.input.Body));
    const isOfRejection = keyOf(command).startsWith('control/rejected/');
    const told = isOfRejection ? record : record.told;
    if (told === undefined) return send(command);
    const text = JSON.stringify(isOfRejection ? change(told) : { ...record, told: change(told) });
    return send(new PutObjectCommand({ ...command.input, Body: text }));
  });
}

function isOwner(key: string): boolean {
  return key.endsWith('/owner.json');
}

function isControl(key: string): boolean {
  return key.startsWith('control/');
}

function unconditional(s3: S3Port, concerns: (key: string) => boolean): S3Port {
  return sendingBy(s3, (send) => (command) => {
    if (!(command instanceof PutObjectCommand) || !concerns(keyOf(command))) return send(command);
    const { IfMatch: _match, IfNoneMatch: _none, ...input } = command.input;
    return send(new PutObjectCommand(input));
  });
}

function hidden(s3: S3Port, concerns: (key: string) => boolean): S3Port {
  return sendingBy(s3, (send) => (command) => {
    if (command instanceof GetObjectCommand && concerns(keyOf(command)))
      return Promise.reject(awsError('NoSuchKey', 404));
    return send(command);
  });
}

/** A conditional write of the record that is refused with this status seems to be done. */
function forgiving(s3: S3Port, status: number): S3Port {
  return sendingBy(s3, (send) => async (command) => {
    try {
      return await send(command);
    } catch (error) {
      if (command instanceof PutObjectCommand && isControl(keyOf(command)) && statusOf(error) === status)
        return {};
      throw error;
    }
  });
}

/** Answers some commands itself. */
function instead<Port extends { send(command: never): Promise<unknown> }>(
  port: Port,
  answer: (command: SentCommand) => object | undefined,
): Port {
  return sendingBy(port, (send) => async (command) => {
    const own = answer(command);
    return own === undefined ? send(command) : { $metadata: {}, ...own };
  });
}

function keyOf(command: SentCommand): string {
  const { input } = command;
  return typeof input === 'object' && input !== null ? String(Reflect.get(input, 'Key')) : '';
}

function statusOf(error: unknown): unknown {
  const metadata: unknown =
    typeof error === 'object' && error !== null ? Reflect.get(error, '$metadata') : undefined;
  return typeof metadata === 'object' && metadata !== null
    ? Reflect.get(metadata, 'httpStatusCode')
    : undefined;
}
