import { hash } from 'node:crypto';
import { appendFile, mkdir, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import type { OutputFile } from '../../experiment/records/outputs.ts';
import { LONGEST_OUTPUT_LINE, parseOutputLine } from '../../experiment/records/outputs.ts';
import { boundedLines } from '../../experiment/text/bounded-lines.ts';
import { forEachBounded } from '../../experiment/util/for-each-limit.ts';
import { parsedJson } from '../../experiment/util/parse-json.ts';
import type { RunFolders } from '../storage/run-folders.ts';
import { openFile } from '../util/open-file.ts';
import type { Before } from './before.ts';
import { stampOf } from './before.ts';

const AT_ONCE = 32;
const stamped = z.object({ stamp: z.string() });

/** Where a node notes what it has sent while the run goes on. @param prefix `<attempt>-<node>` */
export function earlyList({ sent }: Pick<RunFolders, 'sent'>, runId: string, prefix: string): string {
  return join(sent, runId, `${prefix}.jsonl`);
}

export async function noteSent(
  list: string,
  files: readonly { file: OutputFile; stamp: string }[],
): Promise<void> {
  await mkdir(dirname(list), { recursive: true });
  await appendFile(list, files.map(({ file, stamp }) => `${JSON.stringify({ ...file, stamp })}\n`).join(''));
}

/** Paths as they are held in memory by the million. */
export function pathKey(path: string): string {
  return hash('sha1', path, 'base64url').slice(0, 16);
}

/**
 * Files that nodes have sent while the run went on and that are now as they were then. What has changed since is sent
 * again, and what is gone was no result.
 * @throws the file system's errors
 */
export async function* sentEarly(
  { sent, tasks }: Pick<RunFolders, 'sent' | 'tasks'>,
  runId: string,
  before: Before,
): AsyncGenerator<OutputFile> {
  const folder = join(sent, runId);
  const lists = await readdir(folder).catch(() => []);
  for (const list of lists.toSorted()) {
    // A thousand lines at once: what comes is held no longer than that.
    const lines: string[] = [];
    const file = await openFile(join(folder, list)).catch(() => undefined);
    if (file === undefined) continue;
    for await (const line of boundedLines(file.createReadStream(), {
      most: LONGEST_OUTPUT_LINE,
      whole: true,
    })) {
      lines.push(line);
      if (lines.length < 1000) continue;
      yield* await unchanged(lines.splice(0));
    }
    yield* await unchanged(lines);
  }

  async function unchanged(lines: readonly string[]): Promise<OutputFile[]> {
    const same: OutputFile[] = [];
    await forEachBounded(lines, AT_ONCE, async (line) => {
      const file = parseOutputLine(line);
      const stamp = stamped.safeParse(parsedJson(line)).data?.stamp;
      if (file !== undefined && stamp !== undefined && (await isStill(file.path, stamp))) same.push(file);
    });
    return same;
  }

  async function isStill(path: string, stamp: string): Promise<boolean> {
    // To open it asks the storage itself, where a look alone may be answered from memory.
    const file = await openFile(join(tasks, path)).catch(() => undefined);
    try {
      const stats = await file?.stat({ bigint: true });
      return stats !== undefined && stampOf(stats) === stamp && !before.holds(stats);
    } finally {
      await file?.close();
    }
  }
}
