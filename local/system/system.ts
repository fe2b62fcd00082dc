import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { BatchPort, S3Port, StatesPort } from '../../aws/ports.ts';
import type { Deployment } from '../../experiment/deployment/deployment.ts';
import type { MakeNonce } from '../../experiment/util/clock.ts';
import { LOCAL_REGION } from '../aws/events/services.ts';
import { startLoopbackServer } from '../http/server.ts';
import type { Caller } from '../http/signature.ts';
import { portFrom } from '../nodes/addresses.ts';
import { removeJoinFolders } from '../nodes/join-leftovers.ts';
import type { KindOfNodes } from '../nodes/nodes.ts';
import { ProcessNodes } from '../nodes/process-nodes.ts';
import { lockFolder, makeOwnFolder } from '../util/folder-lock.ts';
import { openCloud } from './cloud.ts';
import { startControlPlane } from './control-plane.ts';
import { JOIN_PORT, LOCAL_BUCKET, localDeployment, localJobDefinition, SSH_PORT } from './deployment.ts';
import { announceEndpoint } from './endpoint-file.ts';
import { faultsOf } from './faults.ts';
import type { SystemSettings } from './settings.ts';

/** The whole of sierra-batch on this machine. */
export interface LocalSystem {
  bucket: string;
  s3: S3Port;
  batch: BatchPort;
  states: StatesPort;
  deployment: Deployment;
  /** What another process needs to reach it with the SDK. */
  endpoint: Readonly<Record<string, string>>;
  /** When another process last used it, in milliseconds since the epoch. */
  usedAt(): number;
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
  const kind = settings.nodes ?? (await processes());
  const { nodes, addresses, endpoint } = makeNodes(settings, kind);
  const faults = faultsOf(
    settings.fault,
    (name) => nodes.killNode(name),
    (ms) => clock.sleep(ms, closing.signal).catch(() => undefined),
  );
  const cloud = openCloud(settings, nodes, faults);
  const { bus, s3, batch } = cloud;
  const { jobDefinitionArn = '' } = await batch.registerJobDefinition(
    localJobDefinition(settings.defaultVcpus),
  );
  const deployment = localDeployment(
    jobDefinitionArn,
    settings.defaultVcpus,
    kind.sharedFolder ?? shared,
    pathToFileURL(join(folder, 'bucket/')).href,
  );
  const metrics = { count: () => undefined, measure: () => undefined };
  const controlPlane = await startControlPlane({ ...cloud, clock, nonce, deployment, logger, metrics }, bus);
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
  const forOthers = { ...variablesOf(owner), ...servicesAt(server.url) };
  const withdraw = announceEndpoint(folder, forOthers, deployment);

  return {
    bucket: LOCAL_BUCKET,
    s3,
    batch,
    states,
    deployment,
    endpoint: forOthers,
    usedAt: () => server.usedAt(),
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

/** The nodes, and what they reach the system by: both are filled in once the server listens, before the first node starts. */
function makeNodes({ folder, nonce, image }: SystemSettings, kind: KindOfNodes) {
  const addresses = new Map<string, string>();
  const endpoint: Record<string, string> = {};
  const nodes = kind.make({
    logs: join(folder, 'logs'),
    imageEnvironment: kind.imageEnvironment ?? image,
    extraEnvironment: () => endpoint,
    announce: (token, address) => {
      addresses.set(token, address);
      return `${endpoint.AWS_ENDPOINT_URL_S3}/ecs/${token}`;
    },
    nonce,
    sshPort: kind.sshPort,
    joinPort: kind.joinPort,
  });
  return { nodes, addresses, endpoint };
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

function servicesAt(url: string) {
  return { AWS_ENDPOINT_URL_S3: url, AWS_ENDPOINT_URL_BATCH: url, AWS_ENDPOINT_URL_SFN: url };
}

async function processes(): Promise<KindOfNodes> {
  return {
    make: (settings) => new ProcessNodes(settings),
    sshPort: await portFrom(SSH_PORT),
    joinPort: await portFrom(JOIN_PORT),
  };
}
