import type { Hash } from 'node:crypto';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { Bucket } from '../../aws/bucket.ts';
import { isRefused, messageOf, nameOf } from '../../aws/errors.ts';
import { BadList, CommandLines, commandsIn } from '../../experiment/commands/lines.ts';
import {
  MAX_COMMAND_BYTES,
  MAX_LIST_BYTES,
  MAX_STOCK_COMMAND_BYTES,
} from '../../experiment/commands/list.ts';
import { CONTROL_PREFIX, runKeys } from '../../experiment/layout/bucket-keys.ts';
import { parseS3Url } from '../../experiment/layout/s3-url.ts';
import type { Manifest } from '../../experiment/manifest/parse.ts';
import { commandsOf } from '../../experiment/manifest/parse.ts';
import { ListMisses } from '../../experiment/manifest/rules/list-misses.ts';
import type { Fault } from '../../experiment/manifest/source/fault.ts';
import type { FunctionDeps } from '../deps.ts';
import type { Refused } from './read-manifest.ts';
import { refused } from './read-manifest.ts';

/** The list as it was frozen; undefined where node 0 freezes it (a file among the inputs), or for SIERRA. */
export type Frozen =
  | { ok: true; frozen?: { key: string; total: number; sha256: string }; warnings?: readonly Fault[] }
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
    const hash = createHash('sha256');
    const blocks = hashed(inBlocks(own.lines), hash);
    await bucket.writeStream(key, Readable.from(blocks, { objectMode: false }), own.bytes);
    return { ok: true, frozen: { key, total: own.total, sha256: hash.digest('hex') } };
  }
  const place = parseS3Url(manifest.run.commands?.file ?? '');
  if (place === undefined) return { ok: true };
  // What is copied here everybody may read, and task tokens are for the functions.
  if (place.bucket === bucket.name && place.key.startsWith(CONTROL_PREFIX))
    return refused('not-readable', `${place.key} is read by the functions only`, 'run.commands.file');
  try {
    const source = new Bucket(deps.s3, place.bucket, deps.clock);
    const mostBytes = manifest.run.fanout === 'stock' ? MAX_STOCK_COMMAND_BYTES : MAX_COMMAND_BYTES;
    return await copyList(
      { bucket: source, key: place.key, url: `s3://${place.bucket}/${place.key}` },
      { bucket, key },
      mostBytes,
    );
  } catch (error) {
    if (!(error instanceof Withheld)) throw error;
    return refused('unreadable', error.message, 'run.commands.file');
  }
}

/** S3 does not hand the list on and never will. */
class Withheld extends Error {
  override readonly name = 'Withheld';
}

/** @throws Withheld */
function given<Answer>(asked: Promise<Answer>, url: string): Promise<Answer> {
  return asked.catch((error: unknown) => {
    if (!isRefused(error)) throw error;
    throw new Withheld(
      `S3 does not hand ${url} to this deployment (${nameOf(error)}: ${messageOf(error)}); its bucket must be of the same region, and the object a plain file`,
    );
  });
}

/** A list that somebody left in a bucket is read twice: to judge it, and to copy what was judged. */
async function copyList(
  from: { bucket: Bucket; key: string; url: string },
  { bucket, key }: { bucket: Bucket; key: string },
  mostBytes: number,
): Promise<Frozen> {
  const { url } = from;
  const head = await given(from.bucket.head(from.key), url);
  if (head === undefined)
    return refused(
      'no-commands',
      `there is no object ${url}, or this deployment may not read it`,
      'run.commands.file',
    );
  if (head.size > MAX_LIST_BYTES) return refused('too-large', `${url} has over 1 GiB`, 'run.commands.file');
  const read = () => given(from.bucket.stream(from.key, { etag: head.etag }), url);
  const { warnings, take } = new ListMisses(url);
  const judged = await judgeLines(await read(), new CommandLines(mostBytes, take));
  if (typeof judged === 'string') return refused('bad-commands', `${url}: ${judged}`, 'run.commands.file');
  const again = await read();
  if (again === undefined)
    return refused(
      'gone',
      `${url} was changed while it was read; drop the manifest again`,
      'run.commands.file',
    );
  const hash = createHash('sha256');
  const copied = hashed(commandsIn(again, new CommandLines(mostBytes)), hash);
  await bucket.writeStream(key, Readable.from(copied, { objectMode: false }), judged.bytes);
  return { ok: true, frozen: { key, total: judged.total, sha256: hash.digest('hex') }, warnings };
}

/** What the list comes to, or what is wrong with it in a sentence. */
async function judgeLines(
  stream: AsyncIterable<Uint8Array> | undefined,
  lines: CommandLines,
): Promise<CommandLines | string> {
  if (stream === undefined)
    return 'it was changed while it was read (drop the manifest again), or this deployment may not read it';
  try {
    for await (const _ of commandsIn(stream, lines));
    return lines;
  } catch (error) {
    if (error instanceof BadList) return error.message;
    throw error;
  }
}

/** The same blocks, which the hash has seen. */
async function* hashed(
  blocks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  hash: Hash,
): AsyncGenerator<Uint8Array> {
  for await (const block of blocks) {
    hash.update(block);
    yield block;
  }
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
