import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { countLines } from '../util/file-lines.ts';

/** What polars says when SIERRA puts the runs of an experiment side by side; it names the runs and not the experiment. */
const UNEVEN =
  /height of column '([^'/]+_run\d+_output)' \((\d+)\) does not match height of column '([^'/]+_run\d+_output)' \((\d+)\)/;
/** Tables looked at in one run. */
const MAX_TABLES = 200;

/**
 * The experiment that stage 3 could not collate since two of its runs left tables of different lengths, found by these
 * lengths; undefined for any other error, or where several experiments may be it.
 */
export async function unevenExperiment(root: string, said: string): Promise<string | undefined> {
  const [, one = '', oneRows, other = '', otherRows] = UNEVEN.exec(said) ?? [];
  if (oneRows === undefined || otherRows === undefined) return undefined;
  const outputs = join(root, 'exp-outputs');
  const found: string[] = [];
  for (const experiment of await namesIn(outputs)) {
    const tables = (await namesIn(join(outputs, experiment, one), true)).filter((name) =>
      name.endsWith('.csv'),
    );
    for (const table of tables.slice(0, MAX_TABLES))
      if (
        (await rowsOf(join(outputs, experiment, one, table))) === Number(oneRows) &&
        (await rowsOf(join(outputs, experiment, other, table))) === Number(otherRows)
      ) {
        found.push(experiment);
        break;
      }
  }
  return found.length === 1 ? found[0] : undefined;
}

/** Without the header; undefined where it cannot be read. */
async function rowsOf(file: string): Promise<number | undefined> {
  const lines = await countLines(file).catch(() => undefined);
  return lines === undefined ? undefined : lines - 1;
}

async function namesIn(folder: string, recursive = false): Promise<string[]> {
  return readdir(folder, { recursive }).catch(() => []);
}
