import { createWriteStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Bucket } from '../../aws/bucket.ts';
import { download, ObjectFailed } from '../../aws/download.ts';
import type { CommandSource } from '../../experiment/commands/lines.ts';
import { BadList, CommandLines, commandsIn } from '../../experiment/commands/lines.ts';
import { MAX_COMMAND_BYTES, MAX_STOCK_COMMAND_BYTES } from '../../experiment/commands/list.ts';
import { TableCommands } from '../../experiment/commands/table-commands.ts';
import { TaskIndex } from '../../experiment/commands/task-index.ts';
import { runKeys } from '../../experiment/layout/bucket-keys.ts';
import type { CommandWork, Plan } from '../../experiment/plan/plan.ts';
import type { RunnerContext } from '../process/live.ts';
import { syncFolder } from '../storage/durable-file.ts';
import type { RunFolders } from '../storage/run-folders.ts';
import { latin1Lines, textOf } from '../util/file-lines.ts';
import { isThere } from '../util/is-there.ts';
import { openFile } from '../util/open-file.ts';
import { renumberRows } from './resume.ts';

/** The list on shared storage, complete and synced. */
export interface FrozenCommands {
  file: string;
  total: number;
  /** Rows of the joblog whose tasks are not in the list any more; the others have its numbers. */
  dropped: number;
}

/** The command list is not there, empty, or not what the plan says. */
export class BadCommands extends Error {
  override readonly name = 'BadCommands';
}

/**
 * Freezes the command list: sequence numbers are line numbers, so a retry and a resume must find the same lines. Comes
 * from the bucket, or from a file among the inputs, which is then sent to the bucket.
 * @throws BadCommands, ObjectFailed, or the file system's errors
 */
export async function freezeCommands(
  { s3, clock }: Pick<RunnerContext, 's3' | 'clock'>,
  run: { bucket: string; runId: string; fanout?: Plan['fanout'] },
  work: CommandWork,
  folders: RunFolders,
): Promise<FrozenCommands> {
  const partial = `${folders.commands}.partial-${process.pid}`;
  const key = runKeys(run.runId).commands;
  const bucket = new Bucket(s3, run.bucket, clock);
  const { file } = work;
  const mostBytes = run.fanout === 'stock' ? MAX_STOCK_COMMAND_BYTES : MAX_COMMAND_BYTES;
  const { design } = work;
  const table = design?.table;
  const source =
    design === undefined || table === undefined
      ? new CommandLines(mostBytes)
      : new TableCommands({ ...design, format: table.format }, mostBytes);
  if (file.kind === 'in-work') await copyCommands(folders, file.path, partial, source);
  else if (![undefined, await download(bucket, file.key, partial)].includes(file.sha256))
    throw new BadCommands(
      `s3://${run.bucket}/${file.key} is not the list that was planned: it was written over since`,
    );
  const { total, isSame } = await compare(partial, folders.commands);
  if (total === 0) throw new BadCommands('the command list is empty');
  if (work.file.kind === 'frozen' && work.file.total !== total)
    throw new BadCommands(
      `s3://${run.bucket}/${key} has ${total} lines, and the plan says ${work.file.total}`,
    );
  await sync(partial);
  // First the rows, which can be done again after a crash: each of them names its task.
  const dropped = isSame ? 0 : await renumber(folders, partial);
  await rename(partial, folders.commands);
  await syncFolder(folders.run);
  if (file.kind === 'in-work') {
    await upload(bucket, key, folders.commands);
    if (table !== undefined)
      await upload(bucket, runKeys(run.runId).table(table.format), join(folders.tasks, file.path));
  }
  return { file: folders.commands, total, dropped };
}

/** What ingest judges of a file in a bucket is judged here of one among the inputs. */
async function copyCommands(
  { tasks }: RunFolders,
  path: string,
  to: string,
  source: CommandSource,
): Promise<void> {
  const key = source instanceof TableCommands ? 'commands.table' : 'commands.file';
  try {
    const file = await openFile(join(tasks, path));
    await pipeline(commandsIn(file.createReadStream(), source), createWriteStream(to));
  } catch (error) {
    await rm(to, { force: true });
    if (error instanceof BadList) throw new BadCommands(`${key} ${path}: ${error.message}`);
    throw new BadCommands(
      `${key} ${path} cannot be read (${error instanceof Error ? error.message : error}): name a file that the inputs bring`,
    );
  }
}

async function upload(bucket: Bucket, key: string, file: string): Promise<void> {
  await bucket.writeFile(key, file, { contentType: 'text/plain' }).catch((error: unknown) => {
    throw new ObjectFailed(bucket, key, error);
  });
}

/** Finished tasks stay, wherever the new list has them. */
async function renumber({ joblog, commands }: RunFolders, list: string): Promise<number> {
  if (!(await isThere(joblog))) return 0;
  // As rows have them. What is no UTF-8 cannot be told apart in a row, and runs again.
  async function* texts(file: string): AsyncGenerator<string> {
    for await (const line of latin1Lines(file, 'counts')) yield textOf(line);
  }
  const index = await TaskIndex.of(texts(list), texts(commands));
  return renumberRows(joblog, (row) => (row.command.includes('\ufffd') ? undefined : index.seqOf(row)));
}

/** Counts the lines, and says whether the earlier list had the same. Streams: a list may have a million. */
async function compare(file: string, earlier: string): Promise<{ total: number; isSame: boolean }> {
  const before = latin1Lines(earlier, 'counts')[Symbol.asyncIterator]();
  let total = 0;
  let isSame = true;
  for await (const line of latin1Lines(file, 'counts')) {
    total += 1;
    if (isSame) isSame = (await before.next()).value === line;
  }
  if (isSame) isSame = (await before.next()).done === true;
  await before.return?.(undefined);
  return { total, isSame };
}

async function sync(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
