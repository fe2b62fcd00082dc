import { createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Bucket } from '../../aws/bucket.ts';
import { runKeys } from '../../experiment/layout/bucket-keys.ts';
import type { JoblogRow } from '../../experiment/results/joblog.ts';
import type { Clock } from '../../experiment/util/clock.ts';
import { TarGzip } from '../outputs/tar-gzip.ts';
import type { RunnerContext } from '../process/live.ts';
import { untilSent } from '../transfer/retry-send.ts';
import { openFile } from '../util/open-file.ts';
import { belongsToAnother, resultFolder } from './failed-output.ts';

export interface KeptOutputOptions {
  s3: RunnerContext['s3'];
  bucket: string;
  runId: string;
  /** `<attempt>-<node>` */
  prefix: string;
  /** The final row of each task. */
  rows: Iterable<JoblogRow>;
  /** The folder of GNU parallel's `--results`. */
  results: string;
  /** A folder of this node alone. */
  scratch: string;
  clock: Clock;
  signal: AbortSignal;
}

/**
 * What every task wrote to stdout and stderr, as one archive of `<seq>.out` and `<seq>.err` with a list of its tasks
 * beside it. @throws the SDK's and the file system's errors
 */
export async function sendKeptOutput(options: KeptOutputOptions): Promise<void> {
  const { clock, signal, prefix, scratch } = options;
  const bucket = new Bucket(options.s3, options.bucket, clock);
  const keys = runKeys(options.runId);
  const [archive, list] = [join(scratch, 'stdout.tar.gz'), join(scratch, 'stdout.jsonl')];
  const tar = new TarGzip();
  const writing = pipeline(tar.stream, createWriteStream(archive));
  const lines = pipeline(packed(tar, options), createWriteStream(list));
  lines.catch(() => tar.stream.destroy());
  await Promise.all([writing, lines]);
  const { size } = await stat(archive);
  await untilSent(() => bucket.writeAny(keys.keptOutput(prefix), archive, size), clock, signal);
  await untilSent(() => bucket.writeFile(keys.keptList(prefix), list), clock, signal);
}

/** Packs one file after another, and gives a line for each task. */
async function* packed(tar: TarGzip, { rows, results, signal }: KeptOutputOptions): AsyncGenerator<string> {
  for (const { seq, command } of rows) {
    if (signal.aborted) throw new Error('no time left');
    const folder = resultFolder(results, command);
    // A task that never started has left nothing, and another's words are not this one's.
    if (await belongsToAnother(folder, seq)) continue;
    const sizes: Record<string, number> = {};
    for (const [stream, name] of [
      ['out', 'stdout'],
      ['err', 'stderr'],
    ] as const) {
      const path = Buffer.concat([folder, Buffer.from(`/${name}`)]);
      // A task can have laid there what it likes.
      const file = await openFile(path).catch(() => undefined);
      if (file === undefined) continue;
      try {
        const { size } = await file.stat();
        sizes[stream] = size;
        const body = size === 0 ? [] : file.createReadStream({ end: size - 1, autoClose: false });
        await tar.add({ path: `${seq}.${stream}`, size }, body);
      } finally {
        await file.close();
      }
    }
    yield `${JSON.stringify({ task: seq, ...sizes })}\n`;
  }
  tar.end();
}
