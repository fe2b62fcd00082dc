import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { BatchPort, S3Port, StatesPort } from '../../aws/ports.ts';
import type { Deployment } from '../../experiment/deployment/deployment.ts';
import type { Clock, MakeNonce } from '../../experiment/util/clock.ts';
import type { FunctionDeps } from '../../functions/deps.ts';
import { LocalBatch } from '../aws/batch/batch.ts';
import type { Target } from '../aws/events/bus.ts';
import { EventBus } from '../aws/events/bus.ts';
import {
  jobStateChangeEvent,
  LOCAL_ACCOUNT,
  LOCAL_REGION,
  objectCreatedEvent,
} from '../aws/events/services.ts';
import { localEventBridge } from '../aws/notify/event-bridge.ts';
import type { Published } from '../aws/notify/mail.ts';
import { localMail } from '../aws/notify/mail.ts';
import { openNotifications } from '../aws/notify/notifications.ts';
import { openFolderBucket } from '../aws/s3/folder-bucket.ts';
import { LocalS3 } from '../aws/s3/s3.ts';
import { startLoopbackServer } from '../http/server.ts';
import type { Caller } from '../http/signature.ts';
import { portFrom } from '../nodes/addresses.ts';
import { removeJoinFolders } from '../nodes/join-leftovers.ts';
import type { ImageEnvironment } from '../nodes/node-container.ts';
import type { KindOfNodes, NodesSettings } from '../nodes/nodes.ts';
import { ProcessNodes } from '../nodes/process-nodes.ts';
import { lockFolder, makeOwnFolder } from '../util/folder-lock.ts';
import { startControlPlane } from './control-plane.ts';
import {
  JOIN_PORT,
  LOCAL_BUCKET,
  LOCAL_QUEUE,
  localDeployment,
  localJobDefinition,
  SSH_PORT,
} from './deployment.ts';
import { announceEndpoint } from './endpoint-file.ts';
import type { FaultName } from './faults.ts';
import { faultsOf } from './faults.ts';

export interface SystemSettings {
  /** `.sierra-batch`, absolute. */
  folder: string;
  clock: Clock;
  nonce: MakeNonce;
  image: ImageEnvironment;
  /** vCPUs that a manifest gets when it names none. */
  defaultVcpus: number;
  fault?: FaultName;
  /** Without it, nodes are processes of this machine on loopback addresses. */
  nodes?: KindOfNodes;
  logger: FunctionDeps['logger'];
  /** A rule for all that S3, Batch and Step Functions tell. */
  onEvent?: Target;
  /** Shows a mail that was written. @param file where it lies */
  onMail?: (mail: Published, file: string) => void;
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

/**
 * Makes and starts the system: the real handlers, the real state machine and the real runner, over S3 in a folder, an
 * event bus, Step Functions and Batch in this process. @throws FolderInUse when another system or another user has the folder
 */
export async function startSystem(settings: SystemSettings): Promise<LocalSystem> {
  const { folder, clock, nonce, logger } = settings;
  await makeOwnFolder(folder);
  const unlock = await lockFolder(folder);
  const shared = join(folder, 'shared');
  await mkdir(shared, { recursive: true });
  const closing = new AbortController();
  const addresses = new Map<string, string>();
  const endpoint: Record<string, string> = {};
  const kind = settings.nodes ?? (await processes());
  const nodesSettings: NodesSettings = {
    logs: join(folder, 'logs'),
    imageEnvironment: kind.imageEnvironment ?? settings.image,
    extraEnvironment: () => endpoint,
    announce: (token, address) => {
      addresses.set(token, address);
      return `${endpoint.AWS_ENDPOINT_URL_S3}/ecs/${token}`;
    },
    nonce,
    sshPort: kind.sshPort,
    joinPort: kind.joinPort,
  };
  const nodes = kind.make(nodesSettings);
  const faults = faultsOf(
    settings.fault,
    (name) => nodes.killNode(name),
    (ms) => clock.sleep(ms, closing.signal).catch(() => undefined),
  );
  const bus = new EventBus({
    clock,
    ...(faults.deliveries === undefined ? {} : { deliveries: faults.deliveries }),
  });

  if (settings.onEvent !== undefined)
    bus.addRule({
      name: 'all',
      pattern: { source: ['aws.s3', 'aws.batch', 'aws.states'] },
      target: settings.onEvent,
    });

  const { bodies, index, record } = openFolderBucket(folder);
  const s3 = new LocalS3({
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

  const batch = new LocalBatch({
    clock,
    nonce,
    region: LOCAL_REGION,
    account: LOCAL_ACCOUNT,
    queues: [LOCAL_QUEUE],
    startNode: faults.aroundNodes?.(nodes.start) ?? nodes.start,
    onStateChange: (detail) => bus.putEvent(jobStateChangeEvent(detail, nonce(), clock.now())),
    ...(faults.capacityHook === undefined ? {} : { capacityHook: faults.capacityHook }),
  });
  const { jobDefinitionArn = '' } = await batch.registerJobDefinition(
    localJobDefinition(settings.defaultVcpus),
  );
  const deployment = localDeployment(
    jobDefinitionArn,
    settings.defaultVcpus,
    kind.sharedFolder ?? shared,
    pathToFileURL(join(folder, 'bucket/')).href,
  );
  const notifications = openNotifications(join(folder, 'notifications'));
  const events = localEventBridge({
    account: LOCAL_ACCOUNT,
    region: LOCAL_REGION,
    nonce,
    now: () => clock.now(),
    put: (event) => {
      notifications.keepEvent(event);
      bus.putEvent(event);
    },
  });
  const mail = localMail(nonce, (one) => {
    const file = notifications.keepMail(one);
    settings.onMail?.(one, file);
  });
  const metrics = { count: () => undefined, measure: () => undefined };
  const controlPlane = await startControlPlane(
    { s3, batch, events, mail, clock, nonce, deployment, logger, metrics },
    bus,
  );
  const { states } = controlPlane;

  const [owner, tasks] = [makeCaller(nonce), makeCaller(nonce)];
  const server = await startLoopbackServer({
    s3,
    batch,
    states,
    callers: { owner, tasks },
    addresses,
    ...(kind.door === undefined ? {} : { door: kind.door }),
    log: (event, fields) => logger.error(event, fields),
  });
  Object.assign(endpoint, { ...variablesOf(tasks), AWS_ENDPOINT_URL_S3: server.doorUrl ?? server.url });

  const forOthers = {
    ...variablesOf(owner),
    AWS_ENDPOINT_URL_S3: server.url,
    AWS_ENDPOINT_URL_BATCH: server.url,
    AWS_ENDPOINT_URL_SFN: server.url,
  };
  const withdraw = announceEndpoint(folder, forOthers, deployment);

  return {
    bucket: LOCAL_BUCKET,
    s3,
    batch,
    states,
    deployment,
    endpoint: forOthers,
    deadLetters: () => bus.deadLetters,
    kill: () => nodes.killAll(),
    close: async () => {
      closing.abort();
      withdraw();
      await batch.close();
      await removeJoinFolders(shared);
      await controlPlane.close();
      await bus.close();
      await server.close();
      await unlock();
    },
  };
}

function makeCaller(nonce: MakeNonce): Caller {
  return { accessKeyId: nonce(), secretAccessKey: nonce() };
}

function variablesOf({ accessKeyId, secretAccessKey }: Caller) {
  return {
    AWS_REGION: LOCAL_REGION,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  };
}

async function processes(): Promise<KindOfNodes> {
  return {
    make: (settings) => new ProcessNodes(settings),
    sshPort: await portFrom(SSH_PORT),
    joinPort: await portFrom(JOIN_PORT),
  };
}
