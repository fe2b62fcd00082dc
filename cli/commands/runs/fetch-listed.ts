import { Readable } from 'node:stream';
import { messageOf } from '../../../aws/errors.ts';
import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import type { OutputFile } from '../../../experiment/records/outputs.ts';
import { LONGEST_OUTPUT_LINE, parseOutputLine } from '../../../experiment/records/outputs.ts';
import { boundedLines } from '../../../experiment/text/bounded-lines.ts';
import type { RunStore } from '../../context/run-store.ts';
import { readArchive } from '../../output/read-archive.ts';
import type { Place } from './place-file.ts';
import { NOT_NAMED, placeFile } from './place-file.ts';

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
  for await (const line of boundedLines(list, { most: LONGEST_OUTPUT_LINE, whole: true })) {
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

  async function opened(key: string): Promise<Readable> {
    const body = await store.stream(key);
    if (body === undefined) throw new Error(`${key} is not in the bucket`);
    return body;
  }

  async function placeOne(file: OutputFile, open: () => Promise<Readable | undefined>): Promise<void> {
    options.tell(file, await placeFile(file, options.place, open).catch(messageOf));
  }

  async function unpack(files: readonly OutputFile[]): Promise<[]> {
    const [first] = files;
    if (first?.part === undefined) return [];
    const sizes = new Map(files.map(({ path, size }) => [path, size]));
    const key = keys.part(first.part);
    // Asked for only where a file of it is not there yet.
    let archive: ReadonlyMap<string, Buffer> | undefined;
    for (const file of files)
      await placeOne(file, async () => {
        archive ??= await readArchive(await opened(key), (path, size) => sizes.get(path) === size);
        const bytes = archive.get(file.path);
        return bytes === undefined ? undefined : Readable.from(bytes, { objectMode: false });
      });
    return [];
  }
}
