import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, realpath, rename, rm, stat, symlink, utimes } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import * as tar from 'tar';
import { Bucket } from '../../aws/bucket.ts';
import { download, ObjectFailed } from '../../aws/download.ts';
import type { PlanInput } from '../../experiment/plan/plan.ts';
import type { VersionParts } from '../../experiment/results/versions.ts';
import { forEachBounded } from '../../experiment/util/for-each-limit.ts';
import type { RunnerContext } from '../process/live.ts';
import type { Log } from '../process/log.ts';
import { copyTree, replace } from '../storage/copy-tree.ts';
import type { RunFolders } from '../storage/run-folders.ts';

/** An input is not there, is not what its hash says, or would lie outside the tasks' folder. */
export class BadInput extends Error {
  override readonly name = 'BadInput';
}

const AT_ONCE = 8;

/**
 * Brings the inputs into the tasks' folder. An archive is unpacked once for all runs under `inputs/<sha256>/`, whole or
 * not at all, and copied from there; objects replace what lies at their place, since a resumed run may bring new ones.
 * Answers the SHA-256 of each as it was sent.
 * @throws BadInput, or the SDK's and the file system's errors
 */
export async function bringInputs(
  { s3, clock }: Pick<RunnerContext, 's3' | 'clock'>,
  inputs: readonly PlanInput[],
  folders: RunFolders,
  log: Log,
): Promise<VersionParts['inputs']> {
  const brought: { to: string; sha256: string }[] = [];
  for (const input of inputs) {
    const to = inside(folders.tasks, input.to);
    log('Input:Bringing', { kind: input.kind, to: input.to });
    const bucket = new Bucket(s3, input.bucket, clock);
    if (input.kind === 'archive') {
      const unpacked = await unpackedArchive(bucket, input, folders);
      // What is old is freed (`clean --older`): this is in use.
      await utimes(unpacked, clock.now() / 1000, clock.now() / 1000);
      await copyTree(unpacked, to);
      brought.push({ to: input.to, sha256: input.sha256 });
    } else {
      const sha256 =
        input.kind === 'prefix'
          ? await bringPrefix(bucket, input.prefix, to)
          : await bringObject(bucket, input.key, input.to.endsWith('/') ? join(to, baseName(input.key)) : to);
      brought.push({ to: input.to, sha256 });
    }
  }
  return brought;
}

/** Its folder under `inputs/`. */
async function unpackedArchive(
  bucket: Bucket,
  input: Extract<PlanInput, { kind: 'archive' }>,
  folders: RunFolders,
): Promise<string> {
  const unpacked = join(folders.inputs, input.sha256);
  if (!(await isFolder(unpacked))) await unpackOnce(bucket, input, folders.inputs, unpacked);
  return unpacked;
}

async function unpackOnce(
  bucket: Bucket,
  input: Extract<PlanInput, { kind: 'archive' }>,
  inputs: string,
  unpacked: string,
): Promise<void> {
  const making = await mkdtemp(join(inputs, '.unpacking-'));
  try {
    const archive = join(making, 'archive.tar.gz');
    const sha256 = await readable(download(bucket, input.key, archive));
    if (sha256 !== input.sha256)
      throw new BadInput(
        `s3://${input.bucket}/${input.key} has SHA-256 ${sha256}, not ${input.sha256}: submit again`,
      );
    const folder = join(making, 'content');
    await mkdir(folder);
    await unpack(archive, folder).catch((error: unknown) => {
      if (error instanceof Error && 'syscall' in error) throw error;
      throw new BadInput(`s3://${input.bucket}/${input.key} cannot be unpacked: ${String(error)}`);
    });
    await rename(folder, unpacked).catch(async (error: unknown) => {
      if (!(await isFolder(unpacked))) throw error; // another run was quicker with the same content
    });
  } finally {
    await rm(making, { recursive: true, force: true });
  }
}

/**
 * Unpacks an archive. Links are made last and as they are, wherever they lead: a link is a text, and nothing is written
 * through it. tar refuses absolute paths and `..`; strict turns each of its warnings into an error.
 */
async function unpack(archive: string, folder: string): Promise<void> {
  const links: { path: string; leadsTo: string }[] = [];
  await tar.extract({
    file: archive,
    cwd: folder,
    strict: true,
    preserveOwner: false,
    // The archive is what its hash says: a file of zeros shrinks more than a thousand times.
    maxDecompressionRatio: Number.POSITIVE_INFINITY,
    filter: (path, entry) => {
      if (!('linkpath' in entry) || entry.type !== 'SymbolicLink') return true;
      links.push({ path, leadsTo: entry.linkpath ?? '' });
      return false;
    },
  });
  // All folders while there is no link that could lead elsewhere.
  for (const { path } of links) await mkdir(dirname(inside(folder, path)), { recursive: true });
  const root = await realpath(folder);
  for (const { path, leadsTo } of links) {
    const at = inside(folder, path);
    if (!`${await realpath(dirname(at))}${sep}`.startsWith(`${root}${sep}`))
      throw new BadInput(`${path} is behind a link that leads outside`);
    await symlink(leadsTo, at);
  }
}

/** Answers a hash of names and contents. */
async function bringPrefix(bucket: Bucket, prefix: string, to: string): Promise<string> {
  const found: string[] = [];
  await forEachBounded(keysOf(bucket, prefix), AT_ONCE, async (key) => {
    const sha256 = await bringObject(bucket, key, inside(to, key.slice(prefix.length)));
    found.push(`${key} ${sha256}\n`);
  });
  if (found.length === 0)
    throw new BadInput(`s3://${bucket.name}/${prefix} holds no object: correct \`inputs\` in the manifest`);
  return createHash('sha256').update(found.toSorted().join('')).digest('hex');
}

/** Names that end in a slash stand for folders in S3's console. */
async function* keysOf(bucket: Bucket, prefix: string): AsyncGenerator<string> {
  try {
    for await (const { key } of bucket.list(prefix)) if (!key.endsWith('/')) yield key;
  } catch (error) {
    throw unreadable(new ObjectFailed(bucket, prefix, error));
  }
}

/** Answers its SHA-256. */
async function bringObject(bucket: Bucket, key: string, to: string): Promise<string> {
  await mkdir(dirname(to), { recursive: true });
  let sha256 = '';
  await replace(to, async (partial) => {
    sha256 = await readable(download(bucket, key, partial));
  });
  return sha256;
}

async function readable<Answer>(asked: Promise<Answer>): Promise<Answer> {
  return asked.catch((error: unknown) => {
    throw error instanceof ObjectFailed ? unreadable(error) : error;
  });
}

/** What an input says when S3 refuses it or does not have it. */
function unreadable({ place, message }: ObjectFailed): BadInput {
  return new BadInput(
    `${place} cannot be read (${message}): correct \`inputs\`, or let the job’s role read it`,
  );
}

/** A path below a folder, checked once more although the manifest's rules refuse `..`. @throws BadInput */
function inside(folder: string, relative: string): string {
  const path = resolve(folder, relative.replace(/^\/+/, './'));
  if (path !== folder && !path.startsWith(folder + sep))
    throw new BadInput(`${relative} leads out of ${folder}`);
  return path;
}

function baseName(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1);
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
