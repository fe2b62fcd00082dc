import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { resultFolder } from '../../tasks/failed-output.ts';

/** So many commands are compared; a list that long has told by then. */
const MAX_COMPARED = 20_000;

/**
 * How many of the commands share a folder of GNU parallel's results with another, whose names are cut at 255 bytes: each
 * overwrites what the other wrote to stdout and stderr, and nobody says so. SIERRA's long paths get there soon.
 */
export async function commandsThatShareResults(commandsFile: string): Promise<number> {
  const counts = new Map<string, number>();
  let seen = 0;
  const lines = createInterface({ input: createReadStream(commandsFile) });
  for await (const line of lines) {
    seen += 1;
    if (seen > MAX_COMPARED) break;
    const folder = resultFolder('', line).toString('latin1');
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  lines.close();
  return [...counts.values()].reduce((sum, count) => (count > 1 ? sum + count : sum), 0);
}
