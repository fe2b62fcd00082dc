import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import * as tar from 'tar';
import type { S3Port } from '../../aws/ports.ts';
import type { PlanInput } from '../../experiment/plan/plan.ts';
import type { Surroundings } from '../process/live.ts';
import type { Log } from '../process/log.ts';
import { copyTree, replace } from '../storage/copy-tree.ts';
import type { RunFolders } from '../storage/run-folders.ts';
import { forEachBounded } from '../util/for-each-limit.ts';
import { download, ObjectFailed } from './download.ts';

/** An input is not there, is not what its hash says, or would lie outside the tasks' folder. */
export class BadInput extends Error {
  override readonly name = 'BadInput';
}

const AT_ONCE = 8;

/**
 * Brings the inputs into the tasks' folder. An archive is unpacked once for all runs under `inputs/<sha256>/`, whole or
 * not at all, and copied from there; objects replace what lies at their place, since a resumed run may bring new ones.
 * @throws BadInput, or the SDK's and the file system's errors
 */
export async function bringInputs(
  { s3, clock }: Pick<Surroundings, 's3' | 'clock'>,
  inputs: readonly PlanInput[],
  folders: RunFolders,
  log: Log,
): Promise<void> {
  for (const input of inputs) {
    const to = inside(folders.tasks, input.to);
    log('Input:Bringing', { kind: input.kind, to: input.to });
    if (input.kind === 'archive') {
      const unpacked = await unpackedArchive(s3, input, folders);
      // What is old is freed (`clean --older`): this is in use.
      await utimes(unpacked, clock.now() / 1000, clock.now() / 1000);
      await copyTree(unpacked, to);
    } else if (input.kind === 'prefix') await bringPrefix(s3, input, to);
    else
      await bringObject(
        s3,
        input.bucket,
        input.key,
        input.to.endsWith('/') ? join(to, baseName(input.key)) : to,
      );
  }
}

/** Its folder under `inputs/`. */
async function unpackedArchive(
  s3: S3Port,
  input: Extract<PlanInput, { kind: 'archive' }>,
  folders: RunFolders,
): Promise<string> {
  const unpacked = join(folders.inputs, input.sha256);
  if (!(await isFolder(unpacked))) await unpackOnce(s3, input, folders.inputs, unpacked);
  return unpacked;
}

async function unpackOnce(
  s3: S3Port,
  input: Extract<PlanInput, { kind: 'archive' }>,
  inputs: string,
  unpacked: string,
): Promise<void> {
  const making = await mkdtemp(join(inputs, '.unpacking-'));
  try {
    const archive = join(making, 'archive.tar.gz');
    const sha256 = await readable(download(s3, input, archive));
    if (sha256 !== input.sha256)
      throw new BadInput(
        `s3://${input.bucket}/${input.key} has SHA-256 ${sha256}, not ${input.sha256}: submit again`,
      );
    const folder = join(making, 'content');
    await mkdir(folder);
    // tar refuses absolute paths, `..` and links that lead out; strict turns each such warning into an error.
    await tar.extract({ file: archive, cwd: folder, strict: true, preserveOwner: false });
    await rename(folder, unpacked).catch(async (error: unknown) => {
      if (!(await isFolder(unpacked))) throw error; // another run was quicker with the same content
    });
  } finally {
    await rm(making, { recursive: true, force: true });
  }
}

async function bringPrefix(
  s3: S3Port,
  { bucket, prefix }: Extract<PlanInput, { kind: 'prefix' }>,
  to: string,
): Promise<void> {
  let token: string | undefined;
  let found = 0;
  do {
    const listing = s3.send(
      new ListObjectsV2Command({
        Bucket: bucket,
        Prefix: prefix,
        ...(token === undefined ? {} : { ContinuationToken: token }),
      }),
    );
    const page = await readable(
      listing.catch((error: unknown) => {
        throw new ObjectFailed({ bucket, key: prefix }, error);
      }),
    );
    const keys = (page.Contents ?? []).flatMap(({ Key }) =>
      Key === undefined || Key.endsWith('/') ? [] : [Key],
    );
    found += keys.length;
    await forEachBounded(keys, AT_ONCE, (key) =>
      bringObject(s3, bucket, key, inside(to, key.slice(prefix.length))),
    );
    token = page.NextContinuationToken;
  } while (token !== undefined);
  if (found === 0)
    throw new BadInput(`s3://${bucket}/${prefix} holds no object: correct \`inputs\` in the manifest`);
}

async function bringObject(s3: S3Port, bucket: string, key: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await replace(to, (partial) => readable(download(s3, { bucket, key }, partial)));
}

/** What an input says when S3 refuses it or does not have it. */
async function readable<Answer>(asked: Promise<Answer>): Promise<Answer> {
  return asked.catch((error: unknown) => {
    if (!(error instanceof ObjectFailed)) throw error;
    throw new BadInput(
      `${error.place} cannot be read (${error.message}): correct \`inputs\`, or let the job’s role read it`,
    );
  });
}

/** SHA-256 of a file, in hex. */
export async function fileSha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
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
