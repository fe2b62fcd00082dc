import { readFileSync } from 'node:fs';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import type { Deployment } from '../../experiment/deployment/deployment.ts';
import { makeRunId } from '../../experiment/layout/run-id.ts';
import { makeCollect } from '../../functions/collect/collect.ts';
import type { FunctionDeps } from '../../functions/deps.ts';
import { makeIngest } from '../../functions/ingest/ingest.ts';
import { makeSettle } from '../../functions/settle/settle.ts';
import { makeSubmit } from '../../functions/submit/submit.ts';
import type { LocalBatchSettings } from '../../local/aws/batch/batch.ts';
import { LocalBatch } from '../../local/aws/batch/batch.ts';
import { BatchInProcess } from '../../local/aws/batch/batch-in-process.ts';
import type { BusEvent } from '../../local/aws/events/bus.ts';
import { objectCreatedEvent, scheduledEvent } from '../../local/aws/events/services.ts';
import { EventsInProcess } from '../../local/aws/notify/events-in-process.ts';
import type { Published } from '../../local/aws/notify/mail-in-process.ts';
import { MailInProcess } from '../../local/aws/notify/mail-in-process.ts';
import { memoryBodies } from '../../local/aws/s3/memory-bodies.ts';
import { ObjectIndex } from '../../local/aws/s3/object-index.ts';
import { LocalS3 } from '../../local/aws/s3/s3.ts';
import { S3InProcess } from '../../local/aws/s3/s3-in-process.ts';
import { LocalStates } from '../../local/aws/states/states.ts';
import { StatesInProcess } from '../../local/aws/states/states-in-process.ts';
import { SeededRandom } from '../../local/clock/seeded-random.ts';
import { VirtualClock } from '../../local/clock/virtual.ts';
import { multinodeDefinition, queuesOf } from '../../local/system/deployment.ts';
import { fakeNodes } from './fake-nodes.ts';
import { hostileBatch, hostileS3 } from './hostile-ports.ts';

export { awsError, hooked } from './hostile-ports.ts';

export const BUCKET = 'lab';
export const QUEUE_ARN = 'arn:aws:batch:eu-central-1:000000000000:job-queue/q';
const QUEUE = { name: 'q', arn: QUEUE_ARN, maxvCpus: 64, fairShare: true };
export const TOPIC_ARN = 'arn:aws:sns:eu-central-1:000000000000:sierra-batch';
export const STATE_MACHINE = 'arn:aws:states:eu-central-1:000000000000:stateMachine:sierra-batch';
const START = Date.UTC(2026, 0, 1);
const DEFINITION = readFileSync(new URL('../../statemachine/experiment.asl.json', import.meta.url), 'utf8');

export const MANIFEST = `apiVersion: sierra-batch/v1
name: sweep
cluster: {nodes: 2, vcpus: 2}
run: {commands: {list: [a, b]}}
timeouts: {queue: 1h, join: 10m, run: 2h}
`;

/** Ports that a test puts in front of the real ones. */
interface Around {
  s3?: (real: FunctionDeps['s3']) => FunctionDeps['s3'];
  batch?: (real: FunctionDeps['batch']) => FunctionDeps['batch'];
  states?: (real: FunctionDeps['states']) => FunctionDeps['states'];
  events?: (real: FunctionDeps['events']) => FunctionDeps['events'];
  mail?: (real: FunctionDeps['mail']) => FunctionDeps['mail'];
}

type Options = Around & {
  ignoreTerm?: boolean;
  missing?: 'NoSuchKey' | 'AccessDenied';
  deployment?: Partial<Deployment>;
} & Partial<Pick<LocalBatchSettings, 'capacityHook' | 'describeForMs' | 'listAfterMs' | 'delays'>>;

/**
 * The real handlers and the real state machine in virtual time, over the local system's clients and nodes that do nothing.
 * No bus: a test delivers each event itself, or does not.
 */
export async function controlPlane(options: Options = {}) {
  const clock = new VirtualClock(START);
  const random = new SeededRandom(1);
  const fake = fakeNodes({ ignoreTerm: options.ignoreTerm ?? false });
  const created: BusEvent[] = [];
  const localS3 = new LocalS3({
    bucket: BUCKET,
    bodies: memoryBodies(),
    index: new ObjectIndex(),
    clock,
    nonce: random.nonce,
    missing: options.missing ?? 'NoSuchKey',
    keepNoncurrent: 2,
    onCreated: (object) => created.push(objectCreatedEvent(object, random.nonce())),
  });
  const s3 = hostileS3(new S3InProcess(localS3));
  const localBatch = new LocalBatch({
    clock,
    nonce: random.nonce,
    region: 'eu-central-1',
    account: '000000000000',
    queues: [QUEUE],
    startNode: fake.startNode,
    ...options,
  });
  const batch = hostileBatch(new BatchInProcess(localBatch));
  const { jobDefinitionArn: jobDefinition = '' } = await localBatch.registerJobDefinition(
    multinodeDefinition('sierra-batch', { image: 'i' }),
  );
  const localStates = new LocalStates({
    clock,
    nonce: random.nonce,
    random: () => random.next(),
    stateMachineArn: STATE_MACHINE,
    definition: DEFINITION,
    substitutions: {
      SubmitFunctionArn: 'submit',
      SettleFunctionArn: 'settle',
      CollectFunctionArn: 'collect',
    },
    functions: {
      submit: (payload) => submit(payload),
      settle: (payload) => settle(payload),
      collect: (payload) => collect(payload),
    },
  });
  const states = new StatesInProcess(localStates);
  const log: { event: string; fields: Record<string, unknown> }[] = [];
  const note = (event: string, fields: Record<string, unknown>) => void log.push({ event, fields });
  const told: BusEvent[] = [];
  const mails: Published[] = [];
  const measured: [string, number][] = [];
  const events = new EventsInProcess({
    account: '000000000000',
    region: 'eu-central-1',
    nonce: random.nonce,
    now: () => clock.now(),
    put: (event) => told.push(event),
  });
  const mail = new MailInProcess(random.nonce, (one) => mails.push(one));
  const deps: FunctionDeps = {
    s3: options.s3?.(s3) ?? s3,
    batch: options.batch?.(batch) ?? batch,
    states: options.states?.(states) ?? states,
    events: options.events?.(events) ?? events,
    mail: options.mail?.(mail) ?? mail,
    clock,
    nonce: random.nonce,
    deployment: {
      bucket: BUCKET,
      stateMachineArn: STATE_MACHINE,
      jobDefinition,
      queues: queuesOf(QUEUE),
      defaultQueue: 'q',
      inputBuckets: [],
      defaults: { vcpus: 2, memoryMiB: 1024 },
      sharedFolder: '/mnt/efs',
      joinPort: 7741,
      sshPort: 22,
      topicArn: TOPIC_ARN,
      ...options.deployment,
    },
    logger: { info: note, warn: note, error: note },
    metrics: {
      count: (counted) => note(`metric ${counted}`, {}),
      measure: (figure, value) => measured.push([figure, value]),
    },
  };
  const ingest = makeIngest(deps);
  const submit = makeSubmit(deps);
  const settle = makeSettle(deps);
  const collect = makeCollect(deps);

  const text = async (key: string) => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: key }));
    return (await Body?.transformToString()) ?? '';
  };
  /** Puts an object and gives back the event that S3 would send. */
  const put = async (key: string, body: string | Uint8Array): Promise<BusEvent> => {
    await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: body }));
    const event = created.findLast(({ detail }) => JSON.stringify(detail).includes(JSON.stringify(key)));
    if (event === undefined) throw new Error(`no event of ${key}`);
    return event;
  };
  const record = (runId: string) => localStates.records().find(({ name }) => name === runId);
  /** Lets time pass until the call is over. */
  const during = async <Result>(call: Promise<Result>): Promise<Result> => {
    let over = false;
    const settled = call.finally(() => {
      over = true;
    });
    settled.catch(() => undefined); // Whoever waits for the result is told.
    if (!(await clock.runUntil(() => over, 900_000)))
      throw new Error('the call is not over after 15 minutes');
    return settled;
  };
  /** A minute's schedule. */
  const tick = async (minutes = 1) => {
    for (let minute = 0; minute < minutes; minute += 1) {
      await clock.advance(60_000);
      await during(settle(scheduledEvent('settle', 'id', clock.now())));
    }
  };
  return {
    ...fake,
    clock,
    log,
    told,
    mails,
    measured,
    deps,
    s3,
    batch,
    states,
    localBatch,
    localStates,
    ingest,
    submit,
    settle,
    collect,
    put,
    text,
    record,
    tick,
    during,
    pass: (seconds: number) => clock.advance(seconds * 1000),
    json: async (key: string): Promise<Record<string, unknown>> => JSON.parse(await text(key)),
    /** Keys of the bucket with a prefix. */
    keys: async (prefix: string) =>
      ((await localS3.list({ Bucket: BUCKET, Prefix: prefix })).Contents ?? []).map(({ Key }) => Key ?? ''),
    /** Runs of which nobody knows that they are open. */
    forgetMarks: async (runIds: readonly string[]) => {
      for (const runId of runIds) await localS3.delete({ Bucket: BUCKET, Key: `control/open/${runId}` });
    },
    logged: (event: string) => log.filter((line) => line.event === event),
    /** Drops a manifest, delivers its event and lets the state machine begin. */
    start: async (manifest = MANIFEST, key = 'manifests/sweep.yaml') => {
      const event = await put(key, manifest);
      await ingest(event);
      const runId = runIdOf(event, /name: (\S+)/.exec(manifest)?.[1] ?? '');
      await clock.advance(10);
      return { event, runId };
    },
  };
}

export type ControlPlane = Awaited<ReturnType<typeof controlPlane>>;

/** The id of the run that a dropped manifest becomes. */
export function runIdOf(event: BusEvent, name: string): string {
  const object = Object(event.detail.object);
  return makeRunId(name, { bucket: BUCKET, key: object.key, version: object['version-id'] });
}

/** The error that a promise is rejected with. */
export async function failureOf(promise: Promise<unknown>): Promise<Error> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof Error) return error;
  throw new Error('nothing was thrown');
}
