import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { Bucket } from '../../aws/bucket.ts';
import { isRefused, messageOf, nameOf } from '../../aws/errors.ts';
import type { CommandSource } from '../../experiment/commands/lines.ts';
import { BadList, commandsIn } from '../../experiment/commands/lines.ts';
import { MAX_LIST_BYTES } from '../../experiment/commands/list.ts';
import { tableFormat } from '../../experiment/commands/table.ts';
import { CONTROL_PREFIX, runKeys } from '../../experiment/layout/bucket-keys.ts';
import { parseS3Url } from '../../experiment/layout/s3-url.ts';
import type { CommandFile, Manifest } from '../../experiment/manifest/parse.ts';
import { commandFileOf, commandsOf } from '../../experiment/manifest/parse.ts';
import { ListMisses } from '../../experiment/manifest/rules/list-misses.ts';
import type { Fault } from '../../experiment/manifest/source/fault.ts';
import type { FunctionDeps } from '../deps.ts';
import type { Refused } from './read-manifest.ts';
import { refused } from './read-manifest.ts';

/** The list as it was frozen; undefined where node 0 freezes it (a file among the inputs), or for SIERRA. */
export type Frozen =
  | {
      ok: true;
      frozen?: { key: string; total: number; sha256: string };
      tableSha256?: string;
      /** Of a list; a table has no commands of its own. */
      warnings?: readonly Fault[];
    }
  | Refused;

const BLOCK_BYTES = 256 * 1024;

/**
 * Writes `runs/<run-id>/commands.txt` as a stream of known length: the list is held never, so that a million commands
 * take no more memory than a hundred. Whatever lies there already is written over: nothing counts before the run is claimed.
 */
export async function freezeCommands(
  deps: FunctionDeps,
  bucket: Bucket,
  runId: string,
  manifest: Manifest,
): Promise<Frozen> {
  const own = commandsOf(manifest);
  const key = runKeys(runId).commands;
  if (own !== undefined) {
    const sha256 = await writeHashed(bucket, key, inBlocks(own.lines), own.bytes);
    return { ok: true, frozen: { key, total: own.total, sha256 } };
  }
  const file = commandFileOf(manifest);
  const place = parseS3Url(file?.path ?? '');
  if (file === undefined || place === undefined) return { ok: true };
  const at = `run.commands.${file.key}`;
  // What is copied here everybody may read, and task tokens are for the functions.
  if (place.bucket === bucket.name && place.key.startsWith(CONTROL_PREFIX))
    return refused('not-readable', `${place.key} is read by the functions only`, at);
  try {
    const from = { bucket: new Bucket(deps.s3, place.bucket, deps.clock), key: place.key };
    return await copyFile(file, from, bucket, runId);
  } catch (error) {
    if (error instanceof NotTaken) return refused(error.code, error.message, at);
    throw error;
  }
}

/** A file that cannot be had, or makes no commands. */
class NotTaken extends Error {
  override readonly name = 'NotTaken';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** @throws NotTaken where S3 does not hand the file on and never will */
function given<Answer>(asked: Promise<Answer>, url: string): Promise<Answer> {
  return asked.catch((error: unknown) => {
    if (!isRefused(error)) throw error;
    throw new NotTaken(
      'unreadable',
      `S3 does not hand ${url} to this deployment (${nameOf(error)}: ${messageOf(error)}); its bucket must be of the same region, and the object a plain file`,
    );
  });
}

/** What somebody left in a bucket is read twice: to judge it, and to copy what was judged. Of a table its rows stay as well. */
async function copyFile(
  file: CommandFile,
  from: { bucket: Bucket; key: string },
  bucket: Bucket,
  runId: string,
): Promise<Frozen> {
  const url = `s3://${from.bucket.name}/${from.key}`;
  const head = await given(from.bucket.head(from.key), url);
  if (head === undefined)
    throw new NotTaken('no-commands', `there is no object ${url}, or this deployment may not read it`);
  if (head.size > MAX_LIST_BYTES) throw new NotTaken('too-large', `${url} has over 1 GiB`);
  const read = async () => {
    const stream = await given(from.bucket.stream(from.key, { etag: head.etag }), url);
    if (stream !== undefined) return stream;
    throw new NotTaken(
      'bad-commands',
      `${url} was changed while it was read (drop the manifest again), or this deployment may not read it`,
    );
  };
  const { warnings, take } = new ListMisses(url);
  const { total, bytes } = await judge(await read(), file.source(take), url);
  const keys = runKeys(runId);
  const frozen = {
    key: keys.commands,
    total,
    sha256: await writeHashed(bucket, keys.commands, commandsIn(await read(), file.source()), bytes),
  };
  const format = file.key === 'table' ? tableFormat(file.path) : undefined;
  if (format === undefined) return { ok: true, frozen, warnings };
  const tableSha256 = await writeHashed(bucket, keys.table(format), await read(), head.size);
  return { ok: true, frozen, tableSha256 };
}

/** What the file comes to. @throws NotTaken saying what is wrong with it */
async function judge(
  stream: AsyncIterable<Uint8Array>,
  source: CommandSource,
  url: string,
): Promise<CommandSource> {
  try {
    for await (const _ of commandsIn(stream, source));
    return source;
  } catch (error) {
    if (error instanceof BadList) throw new NotTaken('bad-commands', `${url}: ${error.message}`);
    throw error;
  }
}

/** Writes blocks of a known length. @returns their SHA-256 */
async function writeHashed(
  bucket: Bucket,
  key: string,
  blocks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  bytes: number,
): Promise<string> {
  const hash = createHash('sha256');
  async function* hashed(): AsyncGenerator<Uint8Array> {
    for await (const block of blocks) {
      hash.update(block);
      yield block;
    }
  }
  await bucket.writeStream(key, Readable.from(hashed(), { objectMode: false }), bytes);
  return hash.digest('hex');
}

function* inBlocks(lines: Iterable<string>): Generator<Buffer> {
  let block = '';
  for (const line of lines) {
    block += `${line}\n`;
    if (block.length < BLOCK_BYTES) continue;
    yield Buffer.from(block);
    block = '';
  }
  if (block !== '') yield Buffer.from(block);
}
