import { createWriteStream, existsSync, mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, posix, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { create } from 'tar';
import type { Bucket } from '../aws/bucket.ts';
import { fileSha256 } from '../aws/file-sha256.ts';
import { tableFormat } from '../experiment/commands/table.ts';
import { inputArchiveKey, inputFileKey } from '../experiment/layout/bucket-keys.ts';
import type { Manifest } from '../experiment/manifest/parse.ts';
import { commandFileOf } from '../experiment/manifest/parse.ts';
import { isBeside } from '../experiment/manifest/rules/paths.ts';
import { bytesSpoken, counted } from '../experiment/text/numbers.ts';
import { unlessAborted } from '../experiment/util/timers.ts';
import type { Edit } from './edit-manifest.ts';
import type { Surveyed } from './survey.ts';
import { NothingToPack, surveyFolder } from './survey.ts';

/** Who waits while inputs are packed. */
export interface Waiting {
  /** Aborted when that is to end. */
  signal?: AbortSignal;
  /** Takes a sentence: what is left out, how far it is. */
  say?: (sentence: string) => void;
  now: () => number;
}

/** Nothing is said of what is quicker; afterwards now and then. */
const SAY_AFTER_MS = 1500;

/**
 * Sends what a manifest names beside itself (`from: ./folder`, a `commands.file`, a `commands.table`) and tells what to write in its place: a
 * folder or a file becomes `inputs/<sha256>.tar.gz`, the same bytes for the same content whenever it is packed.
 * @throws NothingToPack, or the signal's reason
 */
export async function packInputs(
  bucket: Bucket,
  manifestFile: string,
  manifest: Manifest,
  waiting: Waiting,
): Promise<Edit[]> {
  const packing = new Packing(bucket, resolve(manifestFile), waiting);
  const edits: Edit[] = [];
  for (const [index, { from, to }] of (manifest.inputs ?? []).entries()) {
    if (!isBeside(from)) continue;
    const sent = await packing.send(from, to);
    edits.push({ path: ['inputs', index, 'from'], value: sent.key });
    if (sent.to !== to) edits.push({ path: ['inputs', index, 'to'], value: sent.to });
  }
  const beside = dirname(resolve(manifestFile));
  const { key, path } = commandFileOf(manifest) ?? {};
  if (
    path !== undefined &&
    key !== undefined &&
    !path.startsWith('s3://') &&
    existsSync(join(beside, path))
  ) {
    const value = await readable(`run.commands.${key}: ${path}`, sendFile(bucket, join(beside, path)));
    edits.push({ path: ['run', 'commands', key], value });
  }
  return edits;
}

class Packing {
  readonly #bucket: Bucket;
  readonly #manifest: string;
  readonly #waiting: Waiting;
  readonly #signal: AbortSignal;
  #saidAt: number;

  constructor(bucket: Bucket, manifest: string, waiting: Waiting) {
    this.#bucket = bucket;
    this.#manifest = manifest;
    this.#waiting = waiting;
    this.#signal = waiting.signal ?? new AbortController().signal;
    this.#saidAt = waiting.now();
  }

  /** The archive's key, and where what is in it goes. */
  async send(written: string, to: string): Promise<{ key: string; to: string }> {
    const from = join(dirname(this.#manifest), written);
    const found = statSync(from, { throwIfNoEntry: false });
    if (found?.isDirectory() === true) return { key: await this.#sendFolder(resolve(from), written), to };
    if (found?.isFile() !== true)
      throw new NothingToPack(`inputs: there is no file or folder ${written} beside the manifest (${from})`);
    // `to` ends as a folder, or names the file itself, as it does for an object of a bucket.
    const intoFolder = /(^|\/)\.?$/.test(to);
    const name = intoFolder ? basename(from) : posix.basename(to);
    const surveyed = { entries: [`./${name}`], files: 1, bytes: found.size, remarks: [] };
    const key = await this.#withFolder((temporary) => {
      symlinkSync(resolve(from), join(temporary, name));
      return this.#pack(temporary, { ...surveyed, cwd: temporary, written, follow: true });
    });
    return { key, to: intoFolder ? to : `${posix.dirname(to)}/` };
  }

  async #sendFolder(folder: string, written: string): Promise<string> {
    const surveyed = await surveyFolder({
      folder,
      written,
      beside: dirname(this.#manifest),
      except: this.#manifest,
      signal: this.#signal,
      onLook: (files) => this.#sayNowAndThen(() => `looking through ${written}: ${counted(files, 'file')}`),
    });
    for (const remark of surveyed.remarks) this.#waiting.say?.(remark);
    return this.#withFolder((temporary) =>
      this.#pack(temporary, { ...surveyed, cwd: folder, written, follow: false }),
    );
  }

  /** A folder for the time of the work: Ctrl-C leaves no copy of what is packed. */
  async #withFolder<Value>(work: (temporary: string) => Promise<Value>): Promise<Value> {
    const temporary = mkdtempSync(join(tmpdir(), 'sb-pack-'));
    const remove = () => rmSync(temporary, { recursive: true, force: true });
    process.once('exit', remove);
    try {
      return await work(temporary);
    } finally {
      process.off('exit', remove);
      remove();
    }
  }

  async #pack(
    temporary: string,
    {
      entries,
      files,
      bytes,
      cwd,
      written,
      follow,
    }: Surveyed & { cwd: string; written: string; follow: boolean },
  ): Promise<string> {
    const archive = join(temporary, '.archive.tar.gz');
    let packed = 0;
    // portable: without owners and times that differ from machine to machine; a fixed time keeps the hash the same.
    const tape = create(
      {
        cwd,
        follow,
        gzip: { level: 6 },
        portable: true,
        mtime: new Date(0),
        strict: true,
        noDirRecurse: true,
        onWriteEntry: ({ stat }) => {
          packed += stat?.isFile() === true ? stat.size : 0;
          this.#sayNowAndThen(
            () =>
              `packing ${written} (${counted(files, 'file')}): ${bytesSpoken(packed)} of ${bytesSpoken(bytes)}`,
          );
        },
      },
      entries,
    );
    const signal = this.#signal;
    await readable(`inputs: ${written}`, pipeline(tape, createWriteStream(archive), { signal }), signal);
    const key = inputArchiveKey(await fileSha256(archive));
    const { size } = statSync(archive);
    this.#sayNowAndThen(() => `sending ${written}: ${bytesSpoken(size)}`);
    await unlessAborted(this.#bucket.writeFile(key, archive, { contentType: 'application/gzip' }), signal);
    return key;
  }

  #sayNowAndThen(sentence: () => string): void {
    const now = this.#waiting.now();
    if (now - this.#saidAt < SAY_AFTER_MS) return;
    this.#saidAt = now;
    this.#waiting.say?.(sentence());
  }
}

async function sendFile(bucket: Bucket, path: string): Promise<string> {
  const key = inputFileKey(await fileSha256(path), tableFormat(path) ?? 'txt');
  await bucket.writeFile(key, path, { contentType: 'text/plain' });
  return `s3://${bucket.name}/${key}`;
}

/** What goes wrong with a file of the user's is the user's to know, in a sentence. */
async function readable<Value>(what: string, work: Promise<Value>, signal?: AbortSignal): Promise<Value> {
  try {
    return await work;
  } catch (error) {
    signal?.throwIfAborted();
    throw new NothingToPack(
      `${what} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
