import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join, relative } from 'node:path';
import { Bucket } from '../../aws/bucket.ts';
import type { S3Port } from '../../aws/ports.ts';
import type { LocalEndpoint } from '../../experiment/deployment/local-endpoint.ts';
import {
  LOCAL_ENDPOINT_FILE,
  LOCAL_FOLDER,
  parseLocalEndpoint,
} from '../../experiment/deployment/local-endpoint.ts';
import { CommandFailed, NoSystemHere } from '../errors/failure.ts';
import type { TargetOptions } from './context.ts';
import { folderStore, whileItAnswers } from './folder-store.ts';
import { awsClients, localClients, stackClients, systemClock } from './live.ts';
import { s3Store } from './s3-store.ts';
import { describeStack, readOutputs } from './stack.ts';
import type { LiveSystem, Target } from './target.ts';

/** The system that the options mean. @param cwd where the user is: a local system is looked for from there upwards @throws CommandFailed */
export async function findTarget(cwd: string, options: TargetOptions): Promise<Target> {
  return options.stack === undefined ? await findLocal(cwd) : await findStack(options.stack, options);
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

async function findLocal(cwd: string): Promise<Target> {
  const folder = folderAbove(cwd);
  if (folder === undefined)
    throw new NoSystemHere(
      'no stack is named (--stack, SIERRA_BATCH_STACK), and no local system has been here; `sierra-batch run` keeps one up, and `sierra-batch local`',
    );
  const endpoint = await localEndpoint(folder);
  if (endpoint === undefined) return localTarget(cwd, folder);
  const { s3, ...clients } = localClients(endpoint);
  const { deployment } = endpoint;
  return localTarget(cwd, folder, { ...clients, bucket: bucketOf(s3, deployment.bucket), deployment });
}

/** @param folder `.sierra-batch`, absolute @param live of a system that is up; without it, there is what one has left */
export function localTarget(cwd: string, folder: string, live?: LiveSystem): Target {
  const bucket = join(folder, 'bucket');
  const shown = relative(cwd, folder) || '.';
  const files = folderStore(bucket);
  const common = {
    kind: 'local' as const,
    folder,
    place: (key: string) => relative(cwd, join(bucket, key)),
    lookMs: 200,
    acceptedWithinMs: 30_000,
  };
  if (live === undefined) return { ...common, name: `the files in ${shown}`, store: files };
  const store = whileItAnswers(s3Store(live.bucket), files);
  return { ...common, name: `the local system in ${shown}`, store, live };
}

function bucketOf(s3: () => Promise<S3Port>, name: string) {
  return async () => new Bucket(await s3(), name, systemClock);
}

/** `.sierra-batch` of this folder or the next one above that has one. */
function folderAbove(from: string): string | undefined {
  for (let at = from; ; at = dirname(at)) {
    if (existsSync(join(at, LOCAL_FOLDER, 'bucket'))) return insistOnOwner(join(at, LOCAL_FOLDER));
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

/** Of a local system that is up. One that was killed leaves its file behind, and its number may be another process's by now. */
async function localEndpoint(folder: string): Promise<LocalEndpoint | undefined> {
  const file = join(folder, LOCAL_ENDPOINT_FILE);
  if (!existsSync(file)) return undefined;
  const found = parseLocalEndpoint(readFileSync(file, 'utf8'));
  const isUp =
    found !== undefined && isAlive(found.pid) && (await answers(found.endpoint.AWS_ENDPOINT_URL_S3));
  return isUp ? found : undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false; // Or the number is another user's process by now.
  }
}

function answers(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}
