import { readFileSync } from 'node:fs';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import type { Deployment } from '../../../experiment/deployment/deployment.ts';
import { makeCollect } from '../../../functions/collect/collect.ts';
import type { FunctionDeps } from '../../../functions/deps.ts';
import { makeIngest } from '../../../functions/ingest/ingest.ts';
import type { LambdaFunction } from '../../../functions/middleware.ts';
import { makeSettle } from '../../../functions/settle/settle.ts';
import { makeSubmit } from '../../../functions/submit/submit.ts';
import { LocalBatch } from '../../../local/aws/batch/batch.ts';
import { BatchInProcess } from '../../../local/aws/batch/batch-in-process.ts';
import { EventBus } from '../../../local/aws/events/bus.ts';
import { addRules } from '../../../local/aws/events/rules.ts';
import {
  jobStateChangeEvent,
  LOCAL_ACCOUNT,
  LOCAL_REGION,
  objectCreatedEvent,
  scheduledEvent,
} from '../../../local/aws/events/services.ts';
import { EventsInProcess } from '../../../local/aws/notify/events-in-process.ts';
import { MailInProcess } from '../../../local/aws/notify/mail-in-process.ts';
import { memoryBodies } from '../../../local/aws/s3/memory-bodies.ts';
import { ObjectIndex } from '../../../local/aws/s3/object-index.ts';
import { LocalS3 } from '../../../local/aws/s3/s3.ts';
import { S3InProcess } from '../../../local/aws/s3/s3-in-process.ts';
import { LocalStates } from '../../../local/aws/states/states.ts';
import { StatesInProcess } from '../../../local/aws/states/states-in-process.ts';
import { statusChangeEvent } from '../../../local/aws/states/status-change-event.ts';
import { SeededRandom } from '../../../local/clock/seeded-random.ts';
import { VirtualClock } from '../../../local/clock/virtual.ts';
import { multinodeDefinition } from '../../../local/system/deployment.ts';
import { sendingBy } from '../simulation/faults/hostile-calls.ts';
import { countedNode } from './counted-node.ts';
import { Counts } from './counts.ts';
import { LambdaService } from './lambda-service.ts';
import { perSecond } from './per-second.ts';

const BUCKET = 'counted';
const MACHINE = `arn:aws:states:${LOCAL_REGION}:${LOCAL_ACCOUNT}:stateMachine:counted`;
const QUEUE = {
  name: 'queue',
  arn: `arn:aws:batch:${LOCAL_REGION}:${LOCAL_ACCOUNT}:job-queue/queue`,
  maxvCpus: 16_384,
};
const DEFINITION = readFileSync(
  new URL('../../../statemachine/experiment.asl.json', import.meta.url),
  'utf8',
);
const START_MS = Date.UTC(2030, 0, 1);

export interface CountedSettings {
  /** Functions that run at once; more are refused or wait, as Lambda does it. */
  concurrency?: number;
  /** SubmitJob calls that Batch takes in a second. */
  submitsPerSecond?: number;
  /** How long tasks take, from the last join to the last end. */
  runSeconds: number;
  outputs: number;
}

/**
 * The real functions and state machine in virtual time in a cloud that is well, in which every request is counted and
 * takes its time, and which serves no more than an account may have.
 */
export async function countedCloud(settings: CountedSettings) {
  const clock = new VirtualClock(START_MS);
  const random = new SeededRandom(1);
  const counts = new Counts();
  const bus = new EventBus({ clock, deliveries: () => [random.between(50, 800)] });
  const s3 = new S3InProcess(
    new LocalS3({
      bucket: BUCKET,
      bodies: memoryBodies(),
      index: new ObjectIndex(),
      clock,
      nonce: random.nonce,
      missing: 'NoSuchKey',
      keepNoncurrent: 2,
      onCreated: (object) => {
        counts.add('s3 event');
        bus.putEvent(objectCreatedEvent(object, random.nonce()));
      },
    }),
  );
  const counted = <Port extends { send(command: never): Promise<unknown> }>(who: string, port: Port): Port =>
    sendingBy(port, (send) => async (command) => {
      counts.called(who, command);
      await clock.sleep(random.between(10, 50));
      return send(command);
    });
  const localBatch = new LocalBatch({
    clock,
    nonce: random.nonce,
    region: LOCAL_REGION,
    account: LOCAL_ACCOUNT,
    queues: [QUEUE],
    delays: { pending: 500, starting: 90_000, child: () => 2000 },
    startNode: countedNode({
      s3: counted('node', s3),
      clock,
      nonce: random.nonce,
      bucket: BUCKET,
      ...settings,
    }),
    onStateChange: (detail) => bus.putEvent(jobStateChangeEvent(detail, random.nonce(), clock.now())),
  });
  const { jobDefinitionArn: jobDefinition = '' } = await localBatch.registerJobDefinition(
    multinodeDefinition('counted', { image: 'counted' }),
  );
  const lambda = new LambdaService(clock, counts, settings.concurrency ?? 1000, random);
  const sync =
    <Output>(name: string, handler: () => LambdaFunction<Output>) =>
    (payload: unknown) =>
      lambda.invoke(name, handler(), payload);
  const localStates = new LocalStates({
    clock,
    nonce: random.nonce,
    random: () => random.next(),
    stateMachineArn: MACHINE,
    definition: DEFINITION,
    substitutions: {
      SubmitFunctionArn: 'submit',
      SettleFunctionArn: 'settle',
      CollectFunctionArn: 'collect',
    },
    functions: {
      submit: sync('submit', () => submit),
      settle: sync('settle', () => settle),
      collect: sync('collect', () => collect),
    },
    onStatus: (execution) => bus.putEvent(statusChangeEvent(execution, random.nonce(), clock.now())),
  });
  const submissions = perSecond(clock, settings.submitsPerSecond ?? Number.POSITIVE_INFINITY);
  const deployment: Deployment = {
    bucket: BUCKET,
    stateMachineArn: MACHINE,
    jobDefinition,
    queues: { [QUEUE.name]: { arn: QUEUE.arn, maxvCpus: QUEUE.maxvCpus } },
    defaultQueue: QUEUE.name,
    inputBuckets: [],
    defaults: { vcpus: 2, memoryMiB: 1024 },
    sharedFolder: '/mnt/efs',
    joinPort: 7741,
    sshPort: 22,
    topicArn: `arn:aws:sns:${LOCAL_REGION}:${LOCAL_ACCOUNT}:counted`,
  };
  const deps: FunctionDeps = {
    s3: counted('function', s3),
    batch: counted(
      'function',
      submissions(new BatchInProcess(localBatch), (what) => counts.add(what)),
    ),
    states: counted('function', new StatesInProcess(localStates)),
    events: counted(
      'function',
      new EventsInProcess({
        account: LOCAL_ACCOUNT,
        region: LOCAL_REGION,
        nonce: random.nonce,
        now: () => clock.now(),
        put: (event) => bus.putEvent(event),
      }),
    ),
    mail: counted('function', new MailInProcess(random.nonce, () => undefined)),
    clock,
    nonce: random.nonce,
    deployment,
    logger: {
      info: () => counts.add('log line'),
      warn: () => counts.add('log line'),
      error: () => counts.add('log line'),
    },
    metrics: { count: () => undefined, measure: () => undefined },
  };
  const ingest = makeIngest(deps);
  const submit = makeSubmit(deps);
  const settle = makeSettle(deps);
  const collect = makeCollect(deps);
  const later = (name: string, handler: LambdaFunction<void>) => (event: unknown) =>
    lambda.invokeLater(name, handler, event);
  addRules(bus, deployment, { ingest: later('ingest', ingest), settle: later('settle', settle) });
  bus.addSchedule(
    'settle',
    60_000,
    () => scheduledEvent('settle', random.nonce(), clock.now()),
    async (event) => void later('settle (each minute)', settle)(event),
  );
  return {
    clock,
    counts,
    jobs: () => localBatch.allJobs(),
    executions: () => localStates.records(),
    deadLetters: () => bus.deadLetters,
    /** Drops a manifest; its event comes by itself. */
    drop: (name: string, text: string) =>
      s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: `manifests/${name}.yaml`, Body: text })),
  };
}
