import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { Bucket } from '../../aws/bucket.ts';
import type { S3Port } from '../../aws/ports.ts';
import type { LocalEndpoint } from '../../experiment/deployment/local-endpoint.ts';
import { LOCAL_ENDPOINT_FILE, parseLocalEndpoint } from '../../experiment/deployment/local-endpoint.ts';
import { CommandFailed } from '../errors/failure.ts';
import type { TargetOptions } from './context.ts';
import { folderStore } from './folder-store.ts';
import { awsClients, localClients, stackClients, systemClock } from './live.ts';
import { s3Store } from './s3-store.ts';
import { describeStack, readOutputs } from './stack.ts';
import type { Target } from './target.ts';

const FOLDER = '.sierra-batch';

/** The system that the options mean. @param cwd where the user is: a local system is looked for from there upwards @throws CommandFailed */
export async function findTarget(cwd: string, options: TargetOptions): Promise<Target> {
  return options.stack === undefined ? findLocal(cwd) : findStack(options.stack, options);
}

async function findStack(stack: string, { region, profile }: TargetOptions): Promise<Target> {
  const { s3, states, batch, user, logs, formation } = awsClients({ region, profile });
  const described = await describeStack(await formation(), stack);
  const { deployment, logGroup } = readOutputs(stack, described.outputs);
  const bucket = bucketOf(s3, deployment.bucket);
  return {
    kind: 'stack',
    name: `the stack ${stack}`,
    store: s3Store(bucket),
    live: {
      bucket,
      states,
      batch,
      user,
      ...(logGroup === undefined ? {} : { logs: { group: logGroup, client: logs } }),
      deployment,
    },
    inspect: async () => {
      const { stackFindings } = await import('./check-stack.ts');
      return stackFindings(await stackClients({ region, profile }), described, deployment);
    },
    place: (key) => `s3://${deployment.bucket}/${key}`,
    lookMs: 2000,
    acceptedWithinMs: 180_000,
  };
}

function findLocal(cwd: string): Target {
  const folder = folderAbove(cwd);
  if (folder === undefined)
    throw new CommandFailed(
      'no stack is named (--stack, SIERRA_BATCH_STACK), and no local system has been here; start one with `sierra-batch local`',
    );
  const bucket = join(folder, 'bucket');
  const shown = relative(cwd, folder) || '.';
  const common = {
    kind: 'local' as const,
    folder,
    place: (key: string) => relative(cwd, join(bucket, key)),
    lookMs: 200,
    acceptedWithinMs: 30_000,
  };
  const endpoint = localEndpoint(folder);
  if (endpoint === undefined) return { ...common, name: `the files in ${shown}`, store: folderStore(bucket) };
  const { s3, ...clients } = localClients(endpoint);
  const { deployment } = endpoint;
  const live = { ...clients, bucket: bucketOf(s3, deployment.bucket), deployment };
  return {
    ...common,
    name: `the local system in ${shown}`,
    store: s3Store(live.bucket),
    live,
  };
}

function bucketOf(s3: () => Promise<S3Port>, name: string) {
  return async () => new Bucket(await s3(), name, systemClock);
}

/** `.sierra-batch` of this folder or the next one above that has one. */
function folderAbove(from: string): string | undefined {
  for (let at = from; ; at = dirname(at)) {
    if (existsSync(join(at, FOLDER, 'bucket'))) return insistOnOwner(join(at, FOLDER));
    if (dirname(at) === at) return undefined;
  }
}

/** What another user keeps in a folder above could take this user's inputs and hand out files of his own making. */
function insistOnOwner(folder: string): string {
  const own = process.getuid?.();
  for (const path of [folder, join(folder, LOCAL_ENDPOINT_FILE)]) {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found !== undefined && found.uid !== own)
      throw new CommandFailed(
        `${path} belongs to the user with the id ${found.uid} and not to you, so it is not used; go to a folder of your own, or name a stack (--stack, SIERRA_BATCH_STACK)`,
      );
  }
  return folder;
}

/** Of a local system that is up. One that was killed leaves its file behind. */
export function localEndpoint(folder: string): LocalEndpoint | undefined {
  const file = join(folder, LOCAL_ENDPOINT_FILE);
  if (!existsSync(file)) return undefined;
  const endpoint = parseLocalEndpoint(readFileSync(file, 'utf8'));
  return endpoint !== undefined && isAlive(endpoint.pid) ? endpoint : undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false; // Or the number is another user's process by now.
  }
}
