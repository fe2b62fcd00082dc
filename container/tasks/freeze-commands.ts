import { createReadStream, createWriteStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Bucket } from '../../aws/bucket.ts';
import { download, ObjectFailed } from '../../aws/download.ts';
import { FROM_WINDOWS } from '../../experiment/commands/list.ts';
import { runKeys } from '../../experiment/layout/bucket-keys.ts';
import type { CommandWork } from '../../experiment/plan/plan.ts';
import type { RunnerContext } from '../process/live.ts';
import { syncFolder } from '../storage/durable-file.ts';
import type { RunFolders } from '../storage/run-folders.ts';
import { forgetRows } from './resume.ts';

/** The list on shared storage, complete and synced. */
export interface FrozenCommands {
  file: string;
  total: number;
  /** Sequence numbers whose command differs from the list of the earlier attempt in this folder; the joblog has no row of them. */
  changed: ReadonlySet<number>;
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
  run: { bucket: string; runId: string },
  work: CommandWork,
  folders: RunFolders,
): Promise<FrozenCommands> {
  const partial = `${folders.commands}.partial-${process.pid}`;
  const key = runKeys(run.runId).commands;
  const bucket = new Bucket(s3, run.bucket, clock);
  const { file } = work;
  if (file.kind === 'in-work') await copyList(folders, file.path, partial);
  else if (![undefined, await download(bucket, file.key, partial)].includes(file.sha256))
    throw new BadCommands(
      `s3://${run.bucket}/${file.key} is not the list that was planned: it was written over since`,
    );
  const { total, changed } = await compare(partial, folders.commands);
  if (total === 0) throw new BadCommands('the command list is empty');
  if (work.file.kind === 'frozen' && work.file.total !== total)
    throw new BadCommands(
      `s3://${run.bucket}/${key} has ${total} lines, and the plan says ${work.file.total}`,
    );
  await sync(partial);
  // First the rows: once the list is replaced, nobody can tell any more that they speak of other commands.
  if (changed.size > 0) await forgetRows(folders.joblog, changed);
  await rename(partial, folders.commands);
  await syncFolder(folders.run);
  if (work.file.kind === 'in-work') await upload(bucket, key, folders.commands);
  return { file: folders.commands, total, changed };
}

/** What ingest judges of a list in a bucket is judged here of one among the inputs. */
async function copyList({ tasks }: RunFolders, path: string, to: string): Promise<void> {
  await copy(join(tasks, path), to);
  let at = 0;
  for await (const line of lines(to)) {
    at += 1;
    if (at === 1 && line.startsWith(BYTE_ORDER_MARK))
      throw new BadCommands(`commands.file ${path}: ${FROM_WINDOWS.byteOrderMark}`);
    if (line.endsWith('\r')) throw new BadCommands(`commands.file ${path}: ${FROM_WINDOWS.lineEnd(at)}`);
  }
}

/** Lines are read as Latin-1. */
const BYTE_ORDER_MARK = Buffer.from('\ufeff').toString('latin1');

async function copy(from: string, to: string): Promise<void> {
  try {
    await pipeline(createReadStream(from), createWriteStream(to));
  } catch (error) {
    await rm(to, { force: true });
    throw new BadCommands(
      `commands.file ${from} cannot be read (${error instanceof Error ? error.message : error}): name a file that the inputs bring`,
    );
  }
}

async function upload(bucket: Bucket, key: string, file: string): Promise<void> {
  await bucket.writeFile(key, file, { contentType: 'text/plain' }).catch((error: unknown) => {
    throw new ObjectFailed(bucket, key, error);
  });
}

/** Counts the lines, and says which of them the earlier list had otherwise. Streams: a list may have a million. */
async function compare(file: string, earlier: string): Promise<{ total: number; changed: Set<number> }> {
  const before = lines(earlier)[Symbol.asyncIterator]();
  const changed = new Set<number>();
  let isThere = await exists(earlier);
  let total = 0;
  for await (const line of lines(file)) {
    total += 1;
    if (!isThere) continue;
    const { value, done } = await before.next();
    if (done === true) isThere = false;
    if (done === true || value !== line) changed.add(total);
  }
  await before.return?.(undefined);
  return { total, changed };
}

/** Lines as GNU parallel cuts them: at newlines only, a last one without newline included. */
async function* lines(file: string): AsyncGenerator<string> {
  if (!(await exists(file))) return;
  let rest = '';
  for await (const chunk of createReadStream(file, 'latin1')) {
    const cut = (rest + chunk).split('\n');
    rest = cut.pop() ?? '';
    yield* cut;
  }
  if (rest !== '') yield rest;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function sync(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
