import type { FileHandle } from 'node:fs/promises';
import { open, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { Bucket, JSON_TYPE } from '../../aws/bucket.ts';
import { fileSha256 } from '../../aws/file-sha256.ts';
import { runKeys } from '../../experiment/layout/bucket-keys.ts';
import type { Plan } from '../../experiment/plan/plan.ts';
import type { NotSent, OutputFile, OutputIndex } from '../../experiment/records/outputs.ts';
import { MOST_IN_INDEX, MOST_NOT_SENT } from '../../experiment/records/outputs.ts';
import { areNamed, OutputPattern } from '../../experiment/results/output-pattern.ts';
import type { Clock } from '../../experiment/util/clock.ts';
import { forEachBounded } from '../../experiment/util/for-each-limit.ts';
import type { RunnerContext } from '../process/live.ts';
import type { Log } from '../process/log.ts';
import type { RunFolders } from '../storage/run-folders.ts';
import { untilSent } from '../transfer/retry-send.ts';
import type { Before } from './before.ts';
import { pathKey, sentEarly } from './early-lists.ts';
import { findOutputs } from './find-outputs.ts';
import { OutputSender } from './output-sender.ts';

export interface OutputsOptions {
  s3: RunnerContext['s3'];
  bucket: string;
  plan: Pick<Plan, 'runId' | 'outputs' | 'optionalOutputs'>;
  folders: Pick<RunFolders, 'tasks' | 'sent'>;
  before: Before;
  /** Of the names of archives, which a number follows: `<attempt>-<node>-`. */
  prefix: string;
  /** In larger runs small files go into archives from the first on. */
  tasks: number;
  /** A folder of this node alone, for the list of what was sent. */
  scratch: string;
  /** Aborted when there is no more time: what is sent by then is in the index. */
  signal: AbortSignal;
  clock: Clock;
  log: Log;
}

const AT_ONCE = 16;

/**
 * Sends what the manifest names under `outputs`, as far as it was written since the run began, and last the list of what
 * arrived. What could not be sent is told in the log and in the index, which is answered, whether it arrived or not.
 */
export async function sendOutputs(options: OutputsOptions): Promise<OutputIndex> {
  const { plan, signal, clock, log, before, prefix } = options;
  const bucket = new Bucket(options.s3, options.bucket, clock);
  const sent = await SentFiles.open(join(options.scratch, 'outputs.jsonl'));
  const isNamed = areNamed(plan.outputs);
  const notSent: NotSent[] = [];
  let unsent = 0;
  const onUnsent = (path: string, why: string) => {
    unsent += 1;
    if (notSent.length < MOST_NOT_SENT) notSent.push({ path, why });
    log('Output:NotSent', { path, why });
  };
  const known = new Set<string>();
  for await (const file of sentEarly(options.folders, plan.runId, before)) {
    const key = pathKey(file.path);
    if (known.has(key) || !isNamed(file.path)) continue;
    known.add(key);
    sent.add(file);
  }
  const most = options.tasks > MOST_IN_INDEX ? 0 : MOST_IN_INDEX;
  const sender = new OutputSender({
    bucket,
    runId: plan.runId,
    prefix,
    before,
    plain: Math.max(0, most - sent.files.length),
    clock,
    signal,
    onSent: (file) => sent.add(file),
    onUnsent,
  });
  const { missing, old } = await sendAll(options, { known, sender, onUnsent });
  await sender.finish();
  const keys = runKeys(plan.runId);
  const list = await sent.close();
  const told = (): OutputIndex => ({
    files: sent.files.toSorted((a, b) => (a.path < b.path ? -1 : 1)),
    missing,
    ...(unsent === 0 ? {} : { unsent, notSent }),
    ...(old === 0 ? {} : { before: old }),
    ...(sent.listed === 0 ? {} : { listed: sent.listed }),
  });
  if (plan.outputs.length > 0) {
    const put = async () => {
      if (list !== undefined)
        await bucket.writeFile(keys.outputList, list, { sha256: await fileSha256(list) });
      await bucket.write(keys.outputIndex, JSON.stringify(told()), JSON_TYPE);
    };
    await untilSent(put, clock, signal).catch((error: unknown) => onUnsent('index.json', String(error)));
  }
  log('Outputs:Sent', { files: sent.files.length + sent.listed, missing, unsent, before: old });
  return told();
}

interface Sending {
  /** What is in the bucket already, by its path's key. */
  known: ReadonlySet<string>;
  sender: OutputSender;
  onUnsent: (path: string, why: string) => void;
}

async function sendAll(
  { folders, plan, before }: OutputsOptions,
  { known, sender, onUnsent }: Sending,
): Promise<{ missing: string[]; old: number }> {
  const root = await realpath(folders.tasks).catch(() => folders.tasks);
  const missing: string[] = [];
  const earlier: OutputPattern[] = [];
  let old = 0;
  for (const output of plan.outputs) {
    let isThere = false;
    let isFolder = false;
    let isOld = false;
    await forEachBounded(findOutputs(root, output, before.laysAt), AT_ONCE, async (found) => {
      if (found.kind === 'folder') isFolder = true;
      else if (earlier.some((pattern) => pattern.covers(found.name))) {
        // One output may lie in another, which has sent it, or has it among the old.
        isThere ||= found.kind === 'unread' || !(await before.laysAt(found.file));
        isOld ||= !isThere;
      } else if (found.kind === 'unread') {
        isThere = true;
        onUnsent(found.name, found.why);
      } else if (known.has(pathKey(found.name))) isThere = true;
      else if (await sender.send(found.name, found.file)) isThere = true;
      else {
        isOld = true;
        old += 1;
      }
    });
    const isDelivered = isThere || (isFolder && !isOld);
    if (!isDelivered && plan.optionalOutputs?.includes(output) !== true) missing.push(output);
    earlier.push(new OutputPattern(output));
  }
  return { missing, old };
}

/** What has arrived: the first files in memory, for the index, and the rest on disk, however many they are. */
class SentFiles {
  readonly #path: string;
  readonly #list: FileHandle;
  readonly files: OutputFile[] = [];
  listed = 0;
  #lines = '';
  #writing: Promise<unknown> = Promise.resolve();

  static async open(path: string): Promise<SentFiles> {
    return new SentFiles(path, await open(path, 'w', 0o600));
  }

  private constructor(path: string, list: FileHandle) {
    this.#path = path;
    this.#list = list;
  }

  add(file: OutputFile): void {
    if (file.part === undefined && this.files.length < MOST_IN_INDEX) this.files.push(file);
    else {
      this.listed += 1;
      this.#lines += `${JSON.stringify(file)}\n`;
      if (this.#lines.length > 1024 * 1024) this.#flush();
    }
  }

  /** The list, if any file is not in the index. @throws the file system's errors */
  async close(): Promise<string | undefined> {
    this.#flush();
    await this.#writing;
    await this.#list.close();
    return this.listed === 0 ? undefined : this.#path;
  }

  #flush(): void {
    const lines = this.#lines;
    this.#lines = '';
    this.#writing = this.#writing.then(() => this.#list.appendFile(lines));
    this.#writing.catch(() => undefined); // told at the end
  }
}
