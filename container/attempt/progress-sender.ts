import type { S3Port } from '../../aws/ports.ts';
import { lostOf, underWay } from '../../experiment/figures/attempts.ts';
import { nearerLimit } from '../../experiment/figures/time-left.ts';
import { runKeys } from '../../experiment/layout/bucket-keys.ts';
import type { Plan } from '../../experiment/plan/plan.ts';
import type { Progress, RunnerReason } from '../../experiment/records/progress.ts';
import { MAX_EARLIER, MAX_INCOMPLETE } from '../../experiment/records/progress.ts';
import type { Clock } from '../../experiment/util/clock.ts';
import { within } from '../../experiment/util/timers.ts';
import type { RunnerConfig } from '../process/environment.ts';
import type { Log } from '../process/log.ts';
import type { TaskTally } from '../tasks/tally.ts';
import { ReplacedObject } from '../transfer/replaced-object.ts';
import { exitCodeOf } from './end-reason.ts';
import type { Roster } from './roster.ts';
import type { RunSnapshot } from './run-state.ts';

export interface ProgressOptions {
  config: Pick<RunnerConfig, 'bucket' | 'runId' | 'jobId' | 'attempt' | 'progressSeconds'>;
  s3: S3Port;
  clock: Clock;
  log: Log;
  roster: Pick<Roster, 'records' | 'counts' | 'slotsNow' | 'nodeHours' | 'load'>;
  snapshot: () => RunSnapshot;
  startedAt: number;
  plan: Pick<Plan, 'cluster' | 'timeouts' | 'maxNodeHours'>;
  /** What the last attempt wrote of itself; its node-hours and attempts count on. */
  before: Progress | undefined;
}

/** A request that takes longer is given up: the next one says more anyway. */
const SEND_MS = 20_000;
/** More often nobody needs to know how nodes are loaded. */
const LOAD_MS = 15_000;
/** What is under way when the end comes gets so long. */
const UNDER_WAY_MS = 2000;
/** A joblog is sent at most so fast on average, so that a large one is sent less often. */
const JOBLOG_BYTES_A_SECOND = 1024 * 1024;

/**
 * Tells the bucket where the run stands: `progress.json`, `nodes.json`, `load.json` and `joblog.tsv`, at intervals and at the end.
 * S3 may fail or hang for as long as it likes: one loop sends, nothing else waits for it.
 */
export class ProgressSender {
  readonly #options: ProgressOptions;
  readonly #stop = new AbortController();
  #wake: (() => void) | undefined;
  #loop: Promise<void> = Promise.resolve();
  /** When the outputs began to be sent; SIERRA's last stages come between it and the end of tasks. */
  #collectingAt: number | undefined;
  /** A write that was given up must not arrive after the last word. */
  readonly #objects: Readonly<Record<'progress' | 'nodes' | 'load' | 'joblog' | 'lastLines', ReplacedObject>>;
  #sentVersion = -1;
  #joblogNotBefore = 0;
  #loadNotBefore = 0;

  constructor(options: ProgressOptions) {
    this.#options = options;
    const { s3, config, clock } = options;
    const keys = runKeys(config.runId);
    const object = (key: string, contentType: string) =>
      new ReplacedObject(s3, { bucket: config.bucket, key, contentType }, clock);
    this.#objects = {
      progress: object(keys.progress, 'application/json'),
      nodes: object(keys.nodes, 'application/json'),
      load: object(keys.load, 'application/json'),
      joblog: object(keys.joblog, 'text/tab-separated-values'),
      lastLines: object(keys.lastLines, 'text/tab-separated-values'),
    };
  }

  start(): void {
    this.#loop = this.#run();
  }

  /** Sends soon: there is news. */
  wake(): void {
    this.#wake?.();
  }

  nodeHours(): number {
    return (this.#options.before?.nodeHours ?? 0) + this.#options.roster.nodeHours(this.#options.clock.now());
  }

  /** The last word, with the reason; tried again until `deadline`. */
  async finish(reason: RunnerReason, deadline: number): Promise<void> {
    const { clock, log } = this.#options;
    this.#stop.abort();
    this.#wake?.();
    await this.#untilLoopEnds();
    await this.#sendLoad(Math.min(deadline, clock.now() + UNDER_WAY_MS)).catch((error: unknown) =>
      log('Load:NotSent', { why: String(error) }),
    );
    for (let pause = 200; ; pause *= 2) {
      try {
        await this.#sendJoblog(deadline);
        await this.#objects.nodes.put(JSON.stringify(this.#options.roster.records()), deadline);
        await this.#objects.progress.put(JSON.stringify(this.#progress(reason)), deadline);
        return;
      } catch (error) {
        log('Progress:NotSent', { final: true, why: String(error) });
        if (clock.now() + pause > deadline) break;
        await clock.sleep(pause);
      }
    }
    // How it ended is worth more than the rest.
    const last = this.#objects.progress.put(JSON.stringify(this.#progress(reason)), deadline);
    await last.catch((error: unknown) => log('Progress:NotSent', { final: true, why: String(error) }));
  }

  /** A request under way may end; one that hangs is left behind, and counts for nothing when it arrives. */
  async #untilLoopEnds(): Promise<void> {
    await within(this.#options.clock, UNDER_WAY_MS, this.#loop, () => undefined);
  }

  async #run(): Promise<void> {
    const { clock, config, log } = this.#options;
    while (!this.#stop.signal.aborted) {
      const { phase } = this.#options.snapshot();
      try {
        const { progress, nodes } = this.#objects;
        await progress.put(JSON.stringify(this.#progress()), clock.now() + SEND_MS);
        if (this.#stop.signal.aborted) return;
        await nodes.put(JSON.stringify(this.#options.roster.records()), clock.now() + SEND_MS);
        if (this.#stop.signal.aborted) return;
        if (clock.now() >= this.#joblogNotBefore) await this.#sendJoblog(clock.now() + SEND_MS);
        if (this.#stop.signal.aborted) return;
        if (clock.now() >= this.#loadNotBefore) await this.#sendLoad(clock.now() + SEND_MS);
      } catch (error) {
        log('Progress:NotSent', { why: String(error) });
      }
      if (this.#options.snapshot().phase !== phase || this.#stop.signal.aborted) continue;
      await this.#pause(config.progressSeconds * 1000);
    }
  }

  async #pause(ms: number): Promise<void> {
    const { clock } = this.#options;
    const woken = Promise.withResolvers<void>();
    this.#wake = woken.resolve;
    const over = new AbortController();
    await Promise.race([woken.promise, clock.sleep(ms, over.signal).catch(() => undefined)]);
    over.abort();
    this.#wake = undefined;
  }

  async #sendJoblog(until: number): Promise<void> {
    const { tally } = this.#options.snapshot();
    if (tally === undefined || tally.version === this.#sentVersion) return;
    const { version } = tally;
    const bytes = tally.joblog();
    await this.#objects.joblog.put(bytes, until);
    const lastLines = tally.failures.lastLines();
    if (lastLines.length > 0) await this.#objects.lastLines.put(lastLines, until);
    this.#sentVersion = version;
    const { clock } = this.#options;
    this.#joblogNotBefore = clock.now() + ((bytes.length + lastLines.length) / JOBLOG_BYTES_A_SECOND) * 1000;
  }

  async #sendLoad(until: number): Promise<void> {
    const { roster, clock } = this.#options;
    const load = roster.load.record();
    if (load === undefined) return;
    await this.#objects.load.put(JSON.stringify(load), until);
    this.#loadNotBefore = clock.now() + Math.max(LOAD_MS, load.seconds * 1000);
  }

  #timeLeft(now: number): Pick<Progress, 'secondsLeft' | 'longestSeconds' | 'nearest'> {
    const { tally, tasksStartedAt = now } = this.#options.snapshot();
    const { roster, plan } = this.#options;
    const left = tally?.timeLeft(now, roster.slotsNow()) ?? {};
    const nearest = nearerLimit(plan, {
      left: left.secondsLeft ?? left.longestSeconds,
      used: this.nodeHours(),
      ran: (now - tasksStartedAt) / 1000,
    });
    return { ...left, ...(nearest === undefined ? {} : { nearest }) };
  }

  #progress(reason?: RunnerReason): Progress {
    const { config, clock, roster, startedAt } = this.#options;
    const snapshot = this.#options.snapshot();
    const { phase, tasksStartedAt, stage, incomplete, tally, running, resultCounts } = snapshot;
    const now = clock.now();
    if (phase === 'collecting') this.#collectingAt ??= now;
    const lost = lostOf(roster.records());
    const counts = tally?.counts() ?? { total: 0, succeeded: 0, failed: 0, retried: 0 };
    return {
      runId: config.runId,
      jobId: config.jobId,
      attempt: config.attempt,
      phase: reason === undefined ? phase : 'done',
      at: iso(now),
      startedAt: iso(startedAt),
      ...momentsOf({ ...snapshot, collectingAt: this.#collectingAt }),
      nodes: roster.counts(),
      ...(lost.length === 0 ? {} : { lostNodes: lost }),
      tasks: { ...counts, running: reason === undefined ? running : 0 },
      slots: roster.slotsNow(),
      nodeHours: this.nodeHours(),
      ...(reason === undefined ? this.#timeLeft(now) : {}),
      ...(this.#options.before === undefined ? {} : { earlier: attemptsUntil(this.#options.before) }),
      rate: tally?.rate(now, tasksStartedAt ?? now) ?? 0,
      ...(stage === undefined ? {} : { stage }),
      ...(tally === undefined ? {} : tallied(tally, reason !== undefined)),
      ...(resultCounts === undefined ? {} : { results: resultCounts }),
      ...(incomplete.length === 0 ? {} : { incomplete: incomplete.slice(0, MAX_INCOMPLETE) }),
      ...(reason === undefined ? {} : { exitCode: exitCodeOf(reason), reason }),
    };
  }
}

/** What is told of tasks beside their counts, as far as there is any. */
function tallied(tally: TaskTally, isLast: boolean) {
  const { leftBehind, triedAlone } = tally;
  const failures = tally.failures.groups();
  return {
    ...(isLast ? { open: tally.open() } : {}),
    ...(failures.length === 0 ? {} : { failures }),
    ...(leftBehind === 0 ? {} : { leftBehind }),
    ...(triedAlone.size === 0 ? {} : { triedAlone: triedAlone.size }),
  } satisfies Partial<Progress>;
}

/** As a record tells them, the last one with its own end. */
function attemptsUntil(before: Progress): NonNullable<Progress['earlier']> {
  const { earlier = [], attempt, startedAt = before.at, at, phase, lostNodes = [] } = before;
  const tasksEndedAt = before.tasksEndedAt ?? (phase === 'running' ? at : undefined);
  const open = underWay(before.tasks);
  const last = {
    attempt,
    startedAt,
    ...(tasksEndedAt === undefined ? {} : { tasksEndedAt }),
    lost: lostNodes,
    ...(open === undefined ? {} : { underWay: open }),
  };
  return [...earlier, last].slice(-MAX_EARLIER);
}

function momentsOf({
  joinedAt,
  tasksStartedAt,
  tasksEndedAt,
  collectingAt,
}: RunSnapshot & { collectingAt: number | undefined }) {
  return {
    ...(joinedAt === undefined ? {} : { joinedAt: iso(joinedAt) }),
    ...(tasksStartedAt === undefined ? {} : { tasksStartedAt: iso(tasksStartedAt) }),
    ...(tasksEndedAt === undefined ? {} : { tasksEndedAt: iso(tasksEndedAt) }),
    ...(collectingAt === undefined ? {} : { collectingAt: iso(collectingAt) }),
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
