import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { createReadStream } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { Bucket } from '../../aws/bucket.ts';
import { MOST_IN_ONE_PUT } from '../../aws/bucket.ts';
import { fileSha256 } from '../../aws/file-sha256.ts';
import { runKeys } from '../../experiment/layout/bucket-keys.ts';
import type { OutputFile } from '../../experiment/records/outputs.ts';
import type { Clock } from '../../experiment/util/clock.ts';
import { untilSent } from '../transfer/retry-send.ts';
import { openFile } from '../util/open-file.ts';
import type { Before } from './before.ts';
import { stampOf } from './before.ts';
import { whyUnread } from './find-outputs.ts';
import { Part } from './part.ts';

export interface SenderOptions {
  bucket: Bucket;
  runId: string;
  /** Of the names of archives, which a number follows: `<attempt>-<node>-`. */
  prefix: string;
  before: Before;
  /** So many files go by themselves; after them those under 1 MiB go into archives. */
  plain: number;
  clock: Clock;
  /** Aborted when there is no more time. */
  signal: AbortSignal;
  /** @param stamp the state of the file that was sent */
  onSent: (file: OutputFile, stamp: string) => void;
  onUnsent: (path: string, why: string) => void;
}

/** What is not larger goes into an archive. */
const SMALL_BYTES = 1024 * 1024;
/** Before it is packed: no archive has more than 64 MiB then. */
const PART_BYTES = 32 * 1024 * 1024;
const PART_FILES = 20_000;
/** Of S3. */
const LONGEST_KEY = 1024;
/** The list of what was sent has that name. */
const RESERVED = /^index\.json(\/|$)/;

/** Sends files, each by itself or many in one archive. What could not be sent is told, and keeps nothing else from it. */
export class OutputSender {
  readonly #options: SenderOptions;
  #plainLeft: number;
  #part = new Part();
  #inPart: { file: OutputFile; stamp: string }[] = [];
  #parts = 0;
  #sending: Promise<void> = Promise.resolve();

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#plainLeft = options.plain;
  }

  /** @param file where it lies, links followed. Answers false for one that lay there before the run. */
  async send(name: string, file: string): Promise<boolean> {
    const { signal, before, onUnsent } = this.#options;
    let handle: FileHandle | undefined;
    try {
      // To open it asks the storage itself, where a look alone may be answered from memory.
      handle = await openFile(file);
      const stats = await handle.stat({ bigint: true });
      if (before.holds(stats)) return false;
      if (signal.aborted) throw new Error('no time left');
      if (RESERVED.test(name)) throw new Error('the list of what was sent has that name: give it another');
      await this.#sendOpen(name, file, handle, stats);
    } catch (error) {
      if (handle === undefined && (await before.laysAt(file))) return false;
      onUnsent(name, whyUnread(file, error));
    } finally {
      await handle?.close();
    }
    return true;
  }

  /** What is in the last archive arrives, or is told as not sent. */
  async finish(): Promise<void> {
    this.#sendPart();
    await this.#sending;
  }

  async #sendOpen(name: string, file: string, handle: FileHandle, stats: BigIntStats): Promise<void> {
    const { bucket, clock, signal, onSent, runId } = this.#options;
    const key = `${runKeys(runId).outputs}${name}`;
    const fits = Buffer.byteLength(key) <= LONGEST_KEY;
    if (stats.size < SMALL_BYTES && !(fits && this.#plainLeft > 0)) {
      await this.#pack(name, await wholeOf(handle, Number(stats.size)), stats);
      return;
    }
    if (!fits) throw new Error(`its key would have over S3’s ${LONGEST_KEY} bytes: shorten its name`);
    this.#plainLeft -= 1;
    let sha256 = '';
    let size = 0;
    const put = async () => {
      // Of its content now, which may have changed since the last try.
      size = (await handle.stat()).size;
      if (size <= MOST_IN_ONE_PUT) {
        sha256 = await fileSha256(file);
        await bucket.writeFile(key, file, { sha256 });
      } else {
        const hash = createHash('sha256');
        await bucket.writeLarge(key, hashed(createReadStream(file, { end: size - 1 }), hash), size);
        sha256 = hash.digest('hex');
      }
    };
    await untilSent(put, clock, signal);
    onSent({ path: name, size, sha256, mode: modeOf(stats) }, stampOf(stats));
  }

  async #pack(name: string, body: Buffer, stats: BigIntStats): Promise<void> {
    const sha256 = createHash('sha256').update(body).digest('hex');
    const part = this.#part;
    const file = { path: name, size: body.length, sha256, mode: modeOf(stats), part: this.#partName() };
    this.#inPart.push({ file, stamp: stampOf(stats) });
    const added = part.add(
      { path: name, mode: Number(stats.mode & 0o777n), mtime: new Date(Number(stats.mtimeMs)) },
      body,
    );
    if (part.bytes >= PART_BYTES || this.#inPart.length >= PART_FILES) this.#sendPart();
    await added;
    // One is sent while the next is filled, and no third is begun meanwhile.
    if (part !== this.#part) await this.#sending;
  }

  #partName(): string {
    return `${this.#options.prefix}${this.#parts}.tar.gz`;
  }

  #sendPart(): void {
    if (this.#inPart.length === 0) return;
    const [part, files, name] = [this.#part, this.#inPart, this.#partName()];
    this.#part = new Part();
    this.#inPart = [];
    this.#parts += 1;
    this.#sending = this.#sending.then(() => this.#putPart(part, files, name));
  }

  async #putPart(part: Part, files: readonly { file: OutputFile; stamp: string }[], name: string) {
    const { bucket, clock, signal, runId, onSent, onUnsent } = this.#options;
    try {
      const body = await part.end();
      const sha256 = createHash('sha256').update(body).digest('hex');
      await untilSent(() => bucket.writeChecked(runKeys(runId).part(name), body, sha256), clock, signal);
      for (const { file, stamp } of files) onSent(file, stamp);
    } catch (error) {
      const why = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      for (const { file } of files) onUnsent(file.path, why);
    }
  }
}

/** A file that is shorter now has changed, and is told. */
async function wholeOf(handle: FileHandle, size: number): Promise<Buffer> {
  const body = Buffer.allocUnsafe(size);
  let at = 0;
  while (at < size) {
    const { bytesRead } = await handle.read(body, at, size - at, at);
    if (bytesRead === 0) throw new Error('it became shorter while it was read');
    at += bytesRead;
  }
  return body;
}

function modeOf({ mode }: BigIntStats): string {
  return (mode & 0o777n).toString(8).padStart(3, '0');
}

async function* hashed(source: AsyncIterable<Buffer>, hash: ReturnType<typeof createHash>) {
  for await (const chunk of source) {
    hash.update(chunk);
    yield chunk;
  }
}
