import type { Readable } from 'node:stream';
import { Parser } from 'tar';

/** More is not held, whatever an archive says: tasks can write archives. */
const MOST_BYTES = 64 * 1024 * 1024;

/**
 * Reads entries of an archive into memory. @param isWanted by its name and size; of several of one name the first counts
 * @throws the SDK's errors, and what is wrong with the archive
 */
export async function readArchive(
  body: Readable,
  isWanted: (path: string, size: number) => boolean,
): Promise<ReadonlyMap<string, Buffer>> {
  const held = new Map<string, Promise<Buffer>>();
  let bytes = 0;
  const parser = new Parser({
    strict: true,
    onReadEntry: (entry) => {
      if (held.has(entry.path) || !isWanted(entry.path, entry.size) || bytes + entry.size > MOST_BYTES)
        entry.resume();
      else {
        bytes += entry.size;
        held.set(entry.path, entry.concat());
      }
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
