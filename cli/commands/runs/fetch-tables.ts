import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import { EXIT } from '../../../experiment/records/exit-code.ts';
import type { Context } from '../../context/context.ts';
import type { Target } from '../../context/target.ts';
import { CommandFailed } from '../../errors/failure.ts';

/** `fetch --tables`: a row for each task. Tables are made of other records, so older copies are replaced. */
export async function fetchTables(
  { terminal, asJson, cwd }: Context,
  target: Target,
  runId: string,
  folder: string,
): Promise<number> {
  const { tasksCsv, tasksParquet } = runKeys(runId);
  const files: string[] = [];
  for (const key of [tasksCsv, tasksParquet]) {
    const stream = await target.store.stream(key);
    if (stream === undefined) continue;
    const shown = join(folder, basename(key));
    await mkdir(resolve(cwd, folder), { recursive: true });
    await pipeline(stream, createWriteStream(resolve(cwd, shown)));
    files.push(shown);
  }
  if (files.length === 0)
    throw new CommandFailed(`the run ${runId} has no tables yet: they are made when it has ended`, 1);
  if (asJson) terminal.json({ runId, folder, files });
  else for (const file of files) terminal.say(file);
  return EXIT.succeeded;
}
