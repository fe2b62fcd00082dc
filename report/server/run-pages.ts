import type { ServerResponse } from 'node:http';
import type { Bucket } from '../../aws/bucket.ts';
import { RUN_PREFIX } from '../../experiment/layout/bucket-keys.ts';
import { isRunId } from '../../experiment/layout/run-id.ts';
import type { Clock } from '../../experiment/util/clock.ts';
import { answerFile, answerText, PLAIN, reportOf } from './bucket-files.ts';
import { LiveReport } from './live-report.ts';
import { RunSoFar } from './run-so-far.ts';

/** A page asks once a second: the bucket is looked at no more often. */
const LEAST_MS = 1000;
/** Runs that are held at once, each with its rows. */
const MOST_HELD = 4;

const STEP = /^runs\/([a-z0-9-]+)\/report\.html\/step$/;

/** Where the bucket is, and how often it may be looked at. */
export interface PagesOf {
  bucket: Bucket;
  clock: Clock;
  lookMs: number;
}

/** Pages of runs, by the bucket's own paths: the report of a run that goes on follows it, and all else is what is stored. */
export class RunPages {
  readonly #of: PagesOf;
  /** The one that was asked for last is the last. */
  readonly #held = new Map<string, Promise<LiveReport | undefined>>();
  /** When a page asked last, in milliseconds since the epoch. */
  #askedAt = Number.NEGATIVE_INFINITY;
  readonly #ended = Promise.withResolvers<void>();

  constructor(of: PagesOf) {
    this.#of = of;
  }

  /** @param path below the address of the bucket's tree */
  async answer(path: string, search: URLSearchParams, response: ServerResponse): Promise<void> {
    const asked = STEP.exec(path)?.[1];
    if (asked !== undefined) return this.#answerStep(asked, search, response);
    const runId = reportOf(path);
    if (runId !== undefined) this.#askedAt = this.#of.clock.now();
    const live = runId === undefined ? undefined : await this.#report(runId, true);
    if (live === undefined || live.hasEnded) {
      await answerFile(this.#of.bucket, path, response);
      if (runId !== undefined) this.#ended.resolve();
    } else answerText(response, 200, 'html', live.page());
  }

  /** Resolves once a page that still follows a run has been given its end, or after so long. */
  async untilSeen(ms: number): Promise<void> {
    const { clock } = this.#of;
    if (clock.now() - this.#askedAt > 5 * LEAST_MS) return;
    await Promise.race([this.#ended.promise, clock.sleep(ms)]);
  }

  async #answerStep(runId: string, search: URLSearchParams, response: ServerResponse): Promise<void> {
    this.#askedAt = this.#of.clock.now();
    const live = await this.#report(runId, false);
    if (live === undefined) return answerText(response, 404, 'plain', 'no such run goes on\n');
    const known = (name: string) => Math.max(0, Number.parseInt(search.get(name) ?? '', 10) || 0);
    const step = await live.step(known('version'), known('tries'));
    response.writeHead(200, { ...PLAIN, 'content-type': 'application/json' });
    response.end(JSON.stringify(step));
  }

  /** @param isOpened a page is opened: what can no more be followed is begun again. Undefined where nothing goes on */
  async #report(runId: string, isOpened: boolean): Promise<LiveReport | undefined> {
    if (!isRunId(runId)) return undefined;
    const held = this.#held.get(runId);
    const live = await held;
    if (live !== undefined && isOpened) await live.look();
    const isGood = live !== undefined && !(isOpened && live.isReplaced);
    const report = isGood && held !== undefined ? held : this.#open(runId);
    this.#held.delete(runId);
    this.#held.set(runId, report);
    for (const first of this.#held.keys()) if (this.#held.size > MOST_HELD) this.#held.delete(first);
    report.catch(() => this.#held.delete(runId));
    return report;
  }

  async #open(runId: string): Promise<LiveReport | undefined> {
    const { bucket, clock, lookMs } = this.#of;
    const run = await RunSoFar.open(bucket, runId, clock);
    return run && new LiveReport(run, clock, Math.max(LEAST_MS, lookMs));
  }
}

/** `/runs/<run-id>/report.html`, with the slash. */
export function pathOfReport(runId: string): string {
  return `/${RUN_PREFIX}${runId}/report.html`;
}
