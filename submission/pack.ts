import { createWriteStream, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { create } from 'tar';
import type { Bucket } from '../aws/bucket.ts';
import { fileSha256 } from '../aws/file-sha256.ts';
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
export async function packInputs(bucket: Bucket, manifestFile: string, manifest: Manifest): Promise<Edit[]> {
  const beside = dirname(resolve(manifestFile));
  const edits: Edit[] = [];
  for (const [index, { from }] of (manifest.inputs ?? []).entries()) {
    if (!from.startsWith('./')) continue;
    edits.push({
      path: ['inputs', index, 'from'],
      value: await sendFolder(bucket, join(beside, from), from),
    });
  }
  const file = manifest.run.commands?.file;
  if (file !== undefined && !file.startsWith('s3://') && existsSync(join(beside, file))) {
    const value = await readable(`run.commands.file: ${file}`, sendFile(bucket, join(beside, file)));
    edits.push({ path: ['run', 'commands', 'file'], value });
  }
  return edits;
}

async function sendFolder(bucket: Bucket, folder: string, written: string): Promise<string> {
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
    const key = inputArchiveKey(await fileSha256(archive));
    await bucket.writeFile(key, archive, { contentType: 'application/gzip' });
    return key;
  } finally {
    process.off('exit', remove);
    remove();
  }
}

async function sendFile(bucket: Bucket, path: string): Promise<string> {
  const key = inputListKey(await fileSha256(path));
  await bucket.writeFile(key, path, { contentType: 'text/plain' });
  return `s3://${bucket.name}/${key}`;
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
