import { hash } from 'node:crypto';
import { lstat, mkdir, realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Bucket } from '../../aws/bucket.ts';
import type { Plan } from '../../experiment/plan/plan.ts';
import type { OutputFile } from '../../experiment/records/outputs.ts';
import { MOST_IN_INDEX } from '../../experiment/records/outputs.ts';
import { forEachBounded } from '../../experiment/util/for-each-limit.ts';
import { within } from '../../experiment/util/timers.ts';
import type { RunnerConfig } from '../process/environment.ts';
import type { RunnerContext } from '../process/live.ts';
import type { Log } from '../process/log.ts';
import type { RunFolders } from '../storage/run-folders.ts';
import { Before, timeOf } from './before.ts';
import { earlyList, noteSent, pathKey } from './early-lists.ts';
import { findOutputs } from './find-outputs.ts';
import { OutputSender } from './output-sender.ts';

export interface EarlyOptions {
  context: Pick<RunnerContext, 's3' | 'clock'>;
  config: Pick<RunnerConfig, 'bucket' | 'runId' | 'attempt' | 'index' | 'nodes'>;
  plan: Pick<Plan, 'outputs' | 'work'>;
  folders: RunFolders;
  log: Log;
  /** A worker sends only while its lease holds. */
  mayGoOn: () => boolean;
  /** A file that nobody has touched for so long is taken for whole. */
  quietMs?: number;
}

const QUIET_MS = 10_000;
const ROUND_MS = 10_000;
/** So little of its time a node looks through what has been written, which costs the storage. */
const SHARE_OF_TIME = 10;
/** An archive that is not full waits so long for more. */
const PART_WAITS_MS = 5 * 60_000;
const AT_ONCE = 8;

/**
 * Sends outputs while the run goes on: each node those that its hash gives it, whichever node wrote them. What it has sent
 * stands in a list on shared storage; node 0 judges at the end what of it still holds. Errors end nothing: what is not
 * sent now is sent then.
 */
export class EarlySender {
  readonly #options: EarlyOptions;
  readonly #stop = new AbortController();
  readonly #list: string;
  readonly #sent = new Set<string>();
  #noted: { file: OutputFile; stamp: string }[] = [];
  #before: Before | undefined;
  #sender: OutputSender | undefined;
  #partSince = 0;
  #running: Promise<void> = Promise.resolve();

  constructor(options: EarlyOptions) {
    this.#options = options;
    const { config, folders } = options;
    this.#list = earlyList(folders, config.runId, `${config.attempt}-${config.index}`);
  }

  start(): void {
    if (this.#options.plan.outputs.length > 0) this.#running = this.#run();
  }

  /** What has arrived by then is noted; what is under way for longer is left to itself. */
  async stop(withinMs: number): Promise<void> {
    this.#stop.abort(new Error('the run has ended'));
    await within(this.#options.context.clock, withinMs, this.#running, () => undefined);
  }

  async #run(): Promise<void> {
    const { context, log } = this.#options;
    const { clock } = context;
    let pause = ROUND_MS;
    for (;;) {
      await clock.sleep(pause, this.#stop.signal).catch(() => undefined);
      if (this.#stop.signal.aborted) return;
      const began = clock.now();
      try {
        await this.#round();
      } catch (error) {
        log('Outputs:EarlyRound', { why: String(error) });
      }
      await this.#note().catch((error: unknown) => log('Outputs:NotNoted', { why: String(error) }));
      pause = Math.max(ROUND_MS, SHARE_OF_TIME * (clock.now() - began));
    }
  }

  async #round(): Promise<void> {
    const { folders, plan, config, mayGoOn, context, quietMs = QUIET_MS } = this.#options;
    // Not there until the inputs are.
    this.#before ??= await Before.read(folders).catch(() => undefined);
    const before = this.#before;
    if (before === undefined || !mayGoOn()) return;
    this.#sender ??= this.#makeSender(before);
    const sender = this.#sender;
    await mkdir(dirname(this.#list), { recursive: true });
    const quietSince = (await timeOf(`${this.#list}.now`)) - BigInt(quietMs) * 1_000_000n;
    const root = await realpath(folders.tasks);
    for (const output of plan.outputs)
      await forEachBounded(findOutputs(root, output, before.laysAt), AT_ONCE, async (found) => {
        this.#stop.signal.throwIfAborted();
        if (found.kind !== 'file' || !mayGoOn()) return;
        if (Number.parseInt(hash('sha1', found.name).slice(0, 8), 16) % config.nodes !== config.index) return;
        const key = pathKey(found.name);
        if (this.#sent.has(key)) return;
        const stats = await lstat(found.file, { bigint: true }).catch(() => undefined);
        if (stats === undefined || stats.ctimeNs > quietSince || before.holds(stats)) return;
        this.#sent.add(key);
        await sender.send(found.name, found.file);
      });
    if (context.clock.now() - this.#partSince < PART_WAITS_MS) return;
    this.#partSince = context.clock.now();
    await sender.finish();
  }

  #makeSender(before: Before): OutputSender {
    const { context, config, plan, log } = this.#options;
    const { work } = plan;
    const tasks = work.kind === 'commands' && work.file.kind === 'frozen' ? work.file.total : 0;
    this.#partSince = context.clock.now();
    return new OutputSender({
      bucket: new Bucket(context.s3, config.bucket, context.clock),
      runId: config.runId,
      // What is under way at the end may arrive later than what is sent then, and must not take its name.
      prefix: `${config.attempt}-${config.index}-e`,
      before,
      plain: tasks > MOST_IN_INDEX ? 0 : Math.floor(MOST_IN_INDEX / config.nodes),
      clock: context.clock,
      signal: this.#stop.signal,
      onSent: (file, stamp) => this.#noted.push({ file, stamp }),
      onUnsent: (path, why) => log('Output:NotSentEarly', { path, why }),
    });
  }

  async #note(): Promise<void> {
    if (this.#noted.length > 0) await noteSent(this.#list, this.#noted.splice(0));
  }
}
