import { createWriteStream, lstatSync, renameSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileSha256 } from '../../../aws/file-sha256.ts';
import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import { EXIT } from '../../../experiment/records/exit-code.ts';
import { noteFetched } from '../../../submission/fetched.ts';
import type { Context } from '../../context/context.ts';
import type { Target } from '../../context/target.ts';
import { CommandFailed } from '../../errors/failure.ts';

/** `fetch --tables`: a row for each task. One of yours that differs stays. */
export async function fetchTables(
  { terminal, asJson, cwd }: Context,
  target: Target,
  runId: string,
  { folder, force }: { folder: string; force: boolean },
): Promise<number> {
  const { tasksCsv, tasksParquet } = runKeys(runId);
  const files: string[] = [];
  for (const key of [tasksCsv, tasksParquet]) {
    const stream = await target.store.stream(key);
    if (stream === undefined) continue;
    const shown = join(folder, basename(key));
    await mkdir(resolve(cwd, folder), { recursive: true });
    const [path, part] = [resolve(cwd, shown), resolve(cwd, `${shown}.part-${process.pid}`)];
    try {
      await pipeline(stream, createWriteStream(part, { flags: 'wx' }));
      const sha256 = await fileSha256(part);
      const found = lstatSync(path, { throwIfNoEntry: false });
      const isSame = found?.isFile() === true && (await fileSha256(path)) === sha256;
      if (!force && found !== undefined && !isSame)
        throw new CommandFailed(`${shown} is there already with other content; --force replaces it`, 1);
      if (!isSame) noteFetched(resolve(cwd, folder), basename(key), sha256);
      renameSync(part, path);
    } finally {
      rmSync(part, { force: true });
    }
    files.push(shown);
  }
  if (files.length === 0)
    throw new CommandFailed(`the run ${runId} has no tables yet: they are made when it has ended`, 1);
  if (asJson) terminal.json({ runId, folder, files });
  else for (const file of files) terminal.say(file);
  return EXIT.succeeded;
}
