import { createInterface } from 'node:readline/promises';
import { Readable } from 'node:stream';
import { Parser } from 'tar';
import { messageOf } from '../../../aws/errors.ts';
import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import type { OutputFile } from '../../../experiment/records/outputs.ts';
import { parseOutputLine } from '../../../experiment/records/outputs.ts';
import type { RunStore } from '../../context/run-store.ts';
import type { Place } from './place-file.ts';
import { NOT_NAMED, placeFile } from './place-file.ts';

/** The runner packs files under 1 MiB, and 32 MiB of them into one archive. */
const MOST_BYTES = 64 * 1024 * 1024;

export interface ListedOptions {
  place: Place;
  isNamed: (path: string) => boolean;
  /** Of each file what is wrong with it, or undefined once it lies there. */
  tell: (file: OutputFile, fault: string | undefined) => void;
}

/** Fetches what `outputs.jsonl` lists: files of one archive after another, and those that lie by themselves. */
export async function fetchListed(store: RunStore, runId: string, options: ListedOptions): Promise<void> {
  const keys = runKeys(runId);
  const list = await store.stream(keys.outputList);
  if (list === undefined) throw new Error(`there is no ${keys.outputList}, which the index speaks of`);
  let packed: OutputFile[] = [];
  for await (const line of createInterface({ input: list, crlfDelay: Number.POSITIVE_INFINITY })) {
    const file = parseOutputLine(line);
    if (file === undefined) continue;
    if (!options.isNamed(file.path)) options.tell(file, NOT_NAMED);
    else if (file.part === undefined) await placeOne(file, () => store.stream(`${keys.outputs}${file.path}`));
    else {
      if (packed[0] !== undefined && packed[0].part !== file.part) packed = await unpack(packed);
      packed.push(file);
    }
  }
  await unpack(packed);

  async function placeOne(file: OutputFile, open: () => Promise<Readable | undefined>): Promise<void> {
    options.tell(file, await placeFile(file, options.place, open).catch(messageOf));
  }

  async function unpack(files: readonly OutputFile[]): Promise<[]> {
    const [first] = files;
    if (first?.part === undefined) return [];
    const archive = once(() => readArchive(store, keys.part(first.part ?? ''), files));
    for (const file of files)
      await placeOne(file, async () => {
        const bytes = (await archive()).get(file.path);
        return bytes === undefined ? undefined : Readable.from(bytes, { objectMode: false });
      });
    return [];
  }
}

/** What an archive holds of the files that the list has in it. Tasks can write archives: nothing else of it is held. */
async function readArchive(
  store: RunStore,
  key: string,
  listed: readonly OutputFile[],
): Promise<ReadonlyMap<string, Buffer>> {
  const body = await store.stream(key);
  if (body === undefined) throw new Error(`${key} is not in the bucket`);
  const sizes = new Map(listed.map(({ path, size }) => [path, size]));
  const held = new Map<string, Promise<Buffer>>();
  let bytes = 0;
  const parser = new Parser({
    strict: true,
    onReadEntry: (entry) => {
      bytes += entry.size;
      const isListed = sizes.get(entry.path) === entry.size && !held.has(entry.path);
      if (isListed && bytes <= MOST_BYTES) held.set(entry.path, entry.concat());
      else entry.resume();
    },
  });
  const ended = new Promise<void>((resolve, reject) => {
    parser.on('end', () => resolve());
    parser.on('error', reject);
  });
  ended.catch(() => undefined); // awaited below
  for await (const chunk of body) parser.write(chunk);
  parser.end();
  await ended;
  const files = await Promise.all([...held].map(async ([path, content]) => [path, await content] as const));
  return new Map(files);
}

/** Done when it is first asked for. */
function once<Value>(make: () => Promise<Value>): () => Promise<Value> {
  let made: Promise<Value> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
