import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { create } from 'tar';
import type { S3Port } from '../aws/ports.ts';
import { inputArchiveKey, inputListKey } from '../experiment/layout/bucket-keys.ts';
import type { Manifest } from '../experiment/manifest/parse.ts';
import type { Edit } from './edit-manifest.ts';

const OWN_FOLDER = '.sierra-batch';

/** Something that the manifest names is not there, or may not be read. */
export class NothingToPack extends Error {
  override readonly name = 'NothingToPack';
}

/**
 * Sends what a manifest names beside itself (`from: ./folder`, a `commands.file`) and tells what to write in its place: a
 * folder becomes `inputs/<sha256>.tar.gz`, the same bytes for the same content whenever it is packed. @throws NothingToPack
 */
export async function packInputs(
  s3: S3Port,
  bucket: string,
  manifestFile: string,
  manifest: Manifest,
): Promise<Edit[]> {
  const beside = dirname(resolve(manifestFile));
  const edits: Edit[] = [];
  for (const [index, { from }] of (manifest.inputs ?? []).entries()) {
    if (!from.startsWith('./')) continue;
    edits.push({
      path: ['inputs', index, 'from'],
      value: await sendFolder(s3, bucket, join(beside, from), from),
    });
  }
  const file = manifest.run.commands?.file;
  if (file !== undefined && !file.startsWith('s3://') && existsSync(join(beside, file))) {
    const value = await readable(`run.commands.file: ${file}`, sendFile(s3, bucket, join(beside, file)));
    edits.push({ path: ['run', 'commands', 'file'], value });
  }
  return edits;
}

async function sendFolder(s3: S3Port, bucket: string, folder: string, written: string): Promise<string> {
  if (!existsSync(folder) || !statSync(folder).isDirectory())
    throw new NothingToPack(`inputs: there is no folder ${written} beside the manifest (${folder})`);
  const temporary = mkdtempSync(join(tmpdir(), 'sb-pack-'));
  const archive = join(temporary, 'inputs.tar.gz');
  const remove = () => rmSync(temporary, { recursive: true, force: true });
  process.once('exit', remove); // Ctrl-C leaves no copy of the folder.
  try {
    // Never this system's own folder: it grows while it is packed.
    const names = await readable(`inputs: ${written}`, readdir(folder));
    const entries = names.filter((name) => name !== OWN_FOLDER).toSorted();
    if (entries.length === 0) throw new NothingToPack(`inputs: the folder ${written} is empty (${folder})`);
    // portable: without owners and times that differ from machine to machine; a fixed time keeps the hash the same.
    const tape = create(
      { cwd: folder, gzip: { level: 6 }, portable: true, mtime: new Date(0), strict: true },
      entries.map((entry) => `./${entry}`),
    );
    await readable(`inputs: ${written}`, pipeline(tape, createWriteStream(archive)));
    const key = inputArchiveKey(await sha256Of(archive));
    await putFile(s3, { Bucket: bucket, Key: key, ContentType: 'application/gzip' }, archive);
    return key;
  } finally {
    process.off('exit', remove);
    remove();
  }
}

async function sendFile(s3: S3Port, bucket: string, path: string): Promise<string> {
  const key = inputListKey(await sha256Of(path));
  await putFile(s3, { Bucket: bucket, Key: key, ContentType: 'text/plain' }, path);
  return `s3://${bucket}/${key}`;
}

async function putFile(
  s3: S3Port,
  object: { Bucket: string; Key: string; ContentType: string },
  path: string,
): Promise<void> {
  const { size } = statSync(path);
  await s3.send(new PutObjectCommand({ ...object, Body: createReadStream(path), ContentLength: size }));
}

/** What goes wrong with a file of the user's is the user's to know, in a sentence. */
async function readable<Value>(what: string, work: Promise<Value>): Promise<Value> {
  try {
    return await work;
  } catch (error) {
    throw new NothingToPack(
      `${what} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
