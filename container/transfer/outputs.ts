import { lstat, opendir, realpath, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { Bucket, JSON_TYPE } from '../../aws/bucket.ts';
import { fileSha256 } from '../../aws/file-sha256.ts';
import type { S3Port } from '../../aws/ports.ts';
import { runKeys } from '../../experiment/layout/bucket-keys.ts';
import type { OutputIndex } from '../../experiment/records/outputs.ts';
import type { Clock } from '../../experiment/util/clock.ts';
import type { Log } from '../process/log.ts';
import { forEachBounded } from '../util/for-each-limit.ts';
import { untilSent } from './retry-send.ts';

export interface OutputsOptions {
  s3: S3Port;
  bucket: string;
  runId: string;
  /** The tasks' folder. */
  folder: string;
  /** Relative paths: files or folders. */
  outputs: readonly string[];
  /** Aborted when there is no more time: what is sent by then is in the index. */
  signal: AbortSignal;
  clock: Clock;
  log: Log;
}

const AT_ONCE = 8;
/** S3's limit for one PUT. */
const MAX_BYTES = 5 * 1024 ** 3;

/**
 * Sends what the manifest names under `outputs`, file by file, and last the index of what arrived. A file that could not
 * be sent is told in the log and missing in the index; the tasks' outcome does not change by it.
 * Answers how many files could not be sent.
 */
export async function sendOutputs(options: OutputsOptions): Promise<{ index: OutputIndex; unsent: number }> {
  const { s3, runId, folder, outputs, signal, clock, log } = options;
  const bucket = new Bucket(s3, options.bucket, clock);
  const keys = runKeys(runId);
  const files = new Map<string, OutputIndex['files'][number]>();
  const missing: string[] = [];
  let unsent = 0;
  const root = await realpath(folder).catch(() => folder);
  for (const output of outputs) {
    const path = join(folder, output);
    if (!(await leadsInside(path, root))) {
      missing.push(output);
      continue;
    }
    await forEachBounded(filesBelow(path), AT_ONCE, async ({ file, unread }) => {
      if (signal.aborted) {
        unsent += 1;
        return;
      }
      const name = relative(folder, file).split(sep).join('/');
      if (files.has(name)) return; // one output may lie in another
      const sent: Sent =
        unread === undefined
          ? await sendFile(bucket, options, file, `${keys.outputs}${name}`)
          : { ok: false, why: unread };
      if (sent.ok) files.set(name, { path: name, size: sent.size, sha256: sent.sha256 });
      else {
        unsent += 1;
        log('Output:NotSent', { path: name, why: sent.why });
      }
    });
  }
  const index: OutputIndex = {
    files: [...files.values()].sort((a, b) => (a.path < b.path ? -1 : 1)),
    missing,
    ...(unsent === 0 ? {} : { unsent }),
  };
  if (outputs.length > 0) {
    const text = JSON.stringify(index);
    const put = () => bucket.write(keys.outputIndex, text, JSON_TYPE);
    await untilSent(put, clock, signal).catch((error: unknown) => {
      unsent += 1;
      log('Output:IndexNotSent', { why: String(error) });
    });
  }
  log('Outputs:Sent', { files: files.size, missing, unsent });
  return { index, unsent };
}

type Sent = { ok: true; size: number; sha256: string } | { ok: false; why: string };

async function sendFile(
  bucket: Bucket,
  { clock, signal }: OutputsOptions,
  file: string,
  key: string,
): Promise<Sent> {
  let sent: Sent = { ok: false, why: 'no time left' };
  const put = async () => {
    const { size } = await stat(file);
    if (size > MAX_BYTES) {
      sent = { ok: false, why: `${size} bytes: S3 takes at most 5 GiB in one piece` };
      return;
    }
    const sha256 = await fileSha256(file);
    await bucket.writeFile(key, file, { sha256 });
    sent = { ok: true, size, sha256 };
  };
  try {
    await untilSent(put, clock, signal);
    return sent;
  } catch (error) {
    return { ok: false, why: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
  }
}

interface Found {
  file: string;
  /** Why what lies there cannot be looked at. */
  unread?: string;
}

/**
 * Files only; links are followed for files, not for folders (they could go round in circles). What tasks left may be gone
 * again, closed to us or named in other bytes than UTF-8: that is told, and the rest is found all the same.
 */
async function* filesBelow(path: string): AsyncGenerator<Found> {
  try {
    const found = await lstat(path);
    if (found.isSymbolicLink()) {
      if ((await stat(path).catch(() => undefined))?.isFile() === true) yield { file: path };
    } else if (found.isFile()) {
      yield { file: path };
    } else if (found.isDirectory()) {
      for await (const entry of await opendir(path)) yield* filesBelow(join(path, entry.name));
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    yield {
      file: path,
      unread: path.includes('\uFFFD') ? `its name is not UTF-8, as S3 has it: ${why}` : why,
    };
  }
}

async function leadsInside(path: string, root: string): Promise<boolean> {
  const real = await realpath(path).catch(() => undefined);
  return real !== undefined && (real === root || real.startsWith(root + sep));
}
