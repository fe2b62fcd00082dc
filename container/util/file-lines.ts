import { openFile } from './open-file.ts';
import { ifMissing } from './system-errors.ts';

/**
 * Lines as GNU parallel cuts them: at newlines only; none where there is no file. Read as a stream: a list may have a million.
 * Each is latin1, which keeps bytes as they are, whatever a block cuts in two.
 * @param rest whether what follows the last newline is a line too
 */
export async function* latin1Lines(path: string, rest: 'counts' | 'is cut off'): AsyncGenerator<string> {
  let open = '';
  try {
    for await (const chunk of (await openFile(path)).createReadStream({ encoding: 'latin1' })) {
      const lines = (open + chunk).split('\n');
      open = lines.pop() ?? '';
      yield* lines;
    }
  } catch (error) {
    ifMissing(undefined)(error);
  }
  if (rest === 'counts' && open !== '') yield open;
}

/** The bytes of such a line as text. */
export function textOf(line: string): string {
  return Buffer.from(line, 'latin1').toString();
}

export async function countLines(path: string): Promise<number> {
  let lines = 0;
  let last = 10;
  for await (const chunk of (await openFile(path)).createReadStream() as AsyncIterable<Buffer>) {
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) lines += 1;
    last = chunk.at(-1) ?? last;
  }
  return last === 10 ? lines : lines + 1;
}
