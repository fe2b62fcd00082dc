import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, MakeNonce } from '../experiment/clock.ts';
import type { Deployment } from '../experiment/deployment.ts';
import type { BatchPort, S3Port, StatesPort } from '../experiment/ports.ts';
import { makeCollect } from '../functions/collect.ts';
import type { FunctionDeps } from '../functions/function-deps.ts';
import { makeIngest } from '../functions/ingest.ts';
import { makeSettle } from '../functions/settle.ts';
import { makeSubmit } from '../functions/submit.ts';
import { LocalBatch } from './batch/batch.ts';
import { BatchInProcess } from './batch/batch-in-process.ts';
import {
  jobStateChangeEvent,
  LOCAL_ACCOUNT,
  LOCAL_REGION,
  objectCreatedEvent,
  scheduledEvent,
} from './bus-events.ts';
import { EventBus } from './events.ts';
import type { FaultName } from './faults.ts';
import { faultsOf } from './faults.ts';
import { startLoopbackServer } from './http/server.ts';
import type { ImageEnvironment } from './live.ts';
import { lockFolder } from './lock.ts';
import { killNode } from './nodes/node-processes.ts';
import { ProcessNodes } from './nodes/process-nodes.ts';
import { RULES } from './rules.ts';
import { openFolderBucket } from './s3/folder-bucket.ts';
import { LocalS3 } from './s3/s3.ts';
import { S3InProcess } from './s3/s3-in-process.ts';
import { LocalStates } from './states/local-states.ts';
import { StatesInProcess } from './states/states-in-process.ts';
import { statusChangeEvent } from './states/status-change-event.ts';

export interface SystemSettings {
  /** `.sierra-batch`, absolute. */
  folder: string;
  clock: Clock;
  nonce: MakeNonce;
  image: ImageEnvironment;
  /** vCPUs that a manifest gets when it names none. */
  defaultVcpus: number;
  fault?: FaultName;
  logger: FunctionDeps['logger'];
}

/** The whole of sierra-batch on this machine. */
export interface LocalSystem {
  bucket: string;
  s3: S3Port;
  batch: BatchPort;
  states: StatesPort;
  deployment: Deployment;
  /** What another process needs to reach it with the SDK. */
  endpoint: Readonly<Record<string, string>>;
  /** Events that were given up, with the error of their target. */
  deadLetters(): readonly { rule: string; error: unknown }[];
  /** Ends every job and waits until nothing runs. */
  close(): Promise<void>;
  /** Kills every node at once; for whoever asks a second time. */
  kill(): void;
}

export const LOCAL_BUCKET = 'sierra-batch-local';

const QUEUE = {
  name: 'local',
  arn: `arn:aws:batch:${LOCAL_REGION}:${LOCAL_ACCOUNT}:job-queue/local`,
  maxvCpus: 4096,
};
const STATE_MACHINE = `arn:aws:states:${LOCAL_REGION}:${LOCAL_ACCOUNT}:stateMachine:sierra-batch`;
const FUNCTIONS = {
  submit: functionArn('submit'),
  settle: functionArn('settle'),
  collect: functionArn('collect'),
};
const SSH_PORT = 2222;
const JOIN_PORT = 7741;
/** A minute on AWS. */
const SCHEDULE_MS = 1000;

/**
 * Makes and starts the system: the real handlers, the real state machine and the real runner, over S3 in a folder, an
 * event bus, Step Functions and Batch in this process. @throws FolderInUse when another system has the folder
 */
export async function startSystem(settings: SystemSettings): Promise<LocalSystem> {
  const { folder, clock, nonce, logger } = settings;
  const unlock = await lockFolder(folder);
  const shared = join(folder, 'shared');
  await mkdir(shared, { recursive: true });
  const closing = new AbortController();
  const faults = faultsOf(settings.fault, killNode, (ms) =>
    clock.sleep(ms, closing.signal).catch(() => undefined),
  );
  const bus = new EventBus({
    clock,
    ...(faults.deliveries === undefined ? {} : { deliveries: faults.deliveries }),
  });

  const { bodies, index, record } = openFolderBucket(folder);
  const localS3 = new LocalS3({
    bucket: LOCAL_BUCKET,
    bodies,
    index,
    clock,
    nonce,
    missing: 'NoSuchKey',
    keepNoncurrent: 2,
    onVersion: record,
    onCreated: (object) => bus.putEvent(objectCreatedEvent(object, nonce())),
  });
  const s3 = new S3InProcess(localS3);

  const addresses = new Map<string, string>();
  const endpoint: Record<string, string> = {};
  const nodes = new ProcessNodes({
    logs: join(folder, 'logs'),
    imageEnvironment: settings.image,
    extraEnvironment: () => endpoint,
    announce: (token, address) => {
      addresses.set(token, address);
      return `${endpoint.AWS_ENDPOINT_URL_S3}/ecs/${token}`;
    },
    nonce,
    sshPort: SSH_PORT,
    joinPort: JOIN_PORT,
  });
  const localBatch = new LocalBatch({
    clock,
    nonce,
    region: LOCAL_REGION,
    account: LOCAL_ACCOUNT,
    queues: [QUEUE],
    startNode: faults.aroundNodes?.(nodes.start) ?? nodes.start,
    onStateChange: (detail) => bus.putEvent(jobStateChangeEvent(detail, nonce(), clock.now())),
    ...(faults.capacityHook === undefined ? {} : { capacityHook: faults.capacityHook }),
  });
  const batch = new BatchInProcess(localBatch);
  const { jobDefinitionArn: jobDefinition = '' } = await localBatch.registerJobDefinition({
    jobDefinitionName: 'sierra-batch',
    type: 'multinode',
    nodeProperties: {
      numNodes: 1,
      mainNode: 0,
      nodeRangeProperties: [
        {
          targetNodes: '0:',
          container: {
            image: 'this-machine',
            resourceRequirements: [
              { type: 'VCPU', value: String(settings.defaultVcpus) },
              { type: 'MEMORY', value: '1024' },
            ],
          },
        },
      ],
    },
  });

  const deployment: Deployment = {
    bucket: LOCAL_BUCKET,
    stateMachineArn: STATE_MACHINE,
    jobDefinition,
    queues: { [QUEUE.name]: { arn: QUEUE.arn, maxvCpus: QUEUE.maxvCpus } },
    defaultQueue: QUEUE.name,
    inputBuckets: [],
    defaults: { vcpus: settings.defaultVcpus, memoryMiB: 1024 },
    sharedFolder: shared,
    joinPort: JOIN_PORT,
    sshPort: SSH_PORT,
  };

  const localStates = new LocalStates({
    clock,
    nonce,
    random: Math.random,
    stateMachineArn: STATE_MACHINE,
    definition: readFileSync(new URL('../statemachine/experiment.asl.json', import.meta.url), 'utf8'),
    substitutions: {
      SubmitFunctionArn: FUNCTIONS.submit,
      SettleFunctionArn: FUNCTIONS.settle,
      CollectFunctionArn: FUNCTIONS.collect,
    },
    // The functions need the state machine, which calls them only once they are there.
    functions: {
      [FUNCTIONS.submit]: (payload) => submit(payload),
      [FUNCTIONS.settle]: (payload) => settle(payload),
      [FUNCTIONS.collect]: (payload) => collect(payload),
    },
    onStatus: (execution) => bus.putEvent(statusChangeEvent(execution, nonce(), clock.now())),
  });
  const states = new StatesInProcess(localStates);
  const deps: FunctionDeps = {
    s3,
    batch,
    states,
    clock,
    nonce,
    deployment,
    logger,
    metrics: { count: () => undefined },
  };
  const ingest = makeIngest(deps);
  const submit = makeSubmit(deps);
  const settle = makeSettle(deps);
  const collect = makeCollect(deps);

  bus.addRule({ name: 'manifest-dropped', pattern: RULES.manifestDropped(LOCAL_BUCKET), target: ingest });
  bus.addRule({ name: 'job-changed', pattern: RULES.jobChanged(), target: settle });
  bus.addRule({ name: 'execution-changed', pattern: RULES.executionChanged(STATE_MACHINE), target: settle });
  bus.addSchedule('settle', SCHEDULE_MS, () => scheduledEvent('settle', nonce(), clock.now()), settle);

  const accessKeyId = nonce();
  const server = await startLoopbackServer({
    s3,
    batch,
    states,
    accessKeyId,
    addresses,
    log: (event, fields) => logger.error(event, fields),
  });
  Object.assign(endpoint, {
    AWS_ENDPOINT_URL_S3: server.url,
    AWS_REGION: LOCAL_REGION,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: 'local',
  });

  return {
    bucket: LOCAL_BUCKET,
    s3,
    batch,
    states,
    deployment,
    endpoint: { ...endpoint, AWS_ENDPOINT_URL_BATCH: server.url, AWS_ENDPOINT_URL_SFN: server.url },
    deadLetters: () => bus.deadLetters,
    kill: () => nodes.killAll(),
    close: async () => {
      closing.abort();
      await localBatch.close();
      await localStates.close();
      await bus.close();
      await server.close();
      await unlock();
    },
  };
}

function functionArn(name: string): string {
  return `arn:aws:lambda:${LOCAL_REGION}:${LOCAL_ACCOUNT}:function:sierra-batch-${name}`;
}
