import { createHash } from 'node:crypto';
import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { create } from 'tar';
import { parseDocument } from 'yaml';
import { inputArchiveKey } from '../experiment/bucket-layout.ts';
import type { Manifest } from '../experiment/manifest.ts';
import type { ManifestFormat } from '../experiment/manifest-source.ts';
import type { S3Port } from '../experiment/ports.ts';

/** Something that the manifest names is not there. */
export class NothingToPack extends Error {
  override readonly name = 'NothingToPack';
}

/** A manifest with its local folders replaced by what was sent in their place. */
export interface PackedManifest {
  bytes: Uint8Array;
  format: ManifestFormat;
}

/**
 * Sends what a manifest names beside itself (`from: ./folder`, a `commands.file`) and rewrites it to what was sent: a
 * folder as `inputs/<sha256>.tar.gz`, the same bytes for the same content whenever it is packed. @throws NothingToPack
 */
export async function packInputs(
  s3: S3Port,
  bucket: string,
  manifestFile: string,
  manifest: Manifest,
  format: ManifestFormat,
): Promise<PackedManifest> {
  const folder = dirname(resolve(manifestFile));
  const document = parseDocument(readFileSync(manifestFile, 'utf8'));
  for (const [index, input] of (manifest.inputs ?? []).entries()) {
    if (!input.from.startsWith('./')) continue;
    document.setIn(
      ['inputs', index, 'from'],
      await sendFolder(s3, bucket, join(folder, input.from), input.from),
    );
  }
  const file = manifest.run.commands?.file;
  if (file !== undefined && !file.startsWith('s3://') && existsSync(join(folder, file))) {
    document.setIn(['run', 'commands', 'file'], await sendFile(s3, bucket, join(folder, file)));
  }
  const text =
    format === 'json' ? JSON.stringify(document.toJS(), undefined, 2) : document.toString({ lineWidth: 0 });
  return { bytes: Buffer.from(text), format };
}

async function sendFolder(s3: S3Port, bucket: string, folder: string, written: string): Promise<string> {
  if (!existsSync(folder) || !statSync(folder).isDirectory())
    throw new NothingToPack(`inputs: there is no folder ${written} beside the manifest (${folder})`);
  const temporary = mkdtempSync(join(tmpdir(), 'sb-pack-'));
  const archive = join(temporary, 'inputs.tar.gz');
  try {
    const entries = (await readdir(folder)).toSorted();
    if (entries.length === 0) throw new NothingToPack(`inputs: the folder ${written} is empty (${folder})`);
    // portable: without owners and times that differ from machine to machine; a fixed time keeps the hash the same.
    await pipeline(
      create({ cwd: folder, gzip: { level: 6 }, portable: true, mtime: new Date(0) }, entries),
      createWriteStream(archive),
    );
    const key = inputArchiveKey(await sha256Of(archive));
    await s3.send(
      new PutObjectCommand({
        Bucket: bucket,
        Key: key,
        Body: createReadStream(archive),
        ContentLength: statSync(archive).size,
        ContentType: 'application/gzip',
      }),
    );
    return key;
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

async function sendFile(s3: S3Port, bucket: string, path: string): Promise<string> {
  const key = `inputs/${await sha256Of(path)}.txt`;
  await s3.send(
    new PutObjectCommand({
      Bucket: bucket,
      Key: key,
      Body: createReadStream(path),
      ContentLength: statSync(path).size,
      ContentType: 'text/plain',
    }),
  );
  return `s3://${bucket}/${key}`;
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
