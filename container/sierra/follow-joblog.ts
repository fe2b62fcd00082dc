import { stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { RunnerReason } from '../../experiment/records/progress.ts';
import { joblogRows } from '../../experiment/results/joblog.ts';
import type { Clock } from '../../experiment/util/clock.ts';
import { every } from '../../experiment/util/timers.ts';
import type { AttemptPart } from '../attempt/attempt.ts';
import { TaskTally } from '../tasks/tally.ts';
import { readText } from '../util/open-file.ts';
import { newestBatchJoblog } from './find-joblog.ts';

const LOOK_MS = 2000;

/** What of an attempt is looked at and told. */
type Followed = AttemptPart<'state' | 'roster' | 'log' | 'folders'> & { clock: Clock };

/**
 * What GNU parallel says of its tasks where it runs SIERRA's line itself (`fanout: stock`, or a PARALLEL that only it
 * understands): `<batch root>/scratch/parallel.log`, written on this very node, beside `<batch root>/commands.txt`.
 * The newest one under SIERRA's root counts, since a workspace may hold other batch roots.
 */
export class SierraJoblog {
  readonly #attempt: Followed;
  readonly #isNeeded: () => boolean;
  #stop: () => void = () => undefined;
  #startedAt = 0;
  /** The same by the clock of shared storage, which may be another's. */
  #startedThere = 0;
  #seen = '';
  #reading: Promise<void> = Promise.resolve();

  /** @param isNeeded false once the pool has taken the line and counts by itself */
  constructor(attempt: Followed, isNeeded: () => boolean) {
    this.#attempt = attempt;
    this.#isNeeded = isNeeded;
  }

  async follow(): Promise<void> {
    const { clock } = this.#attempt;
    this.#startedAt = clock.now();
    const mark = join(this.#attempt.folders.run, 'sierra-stage-2');
    await writeFile(mark, '');
    this.#startedThere = (await stat(mark)).mtimeMs;
    this.#stop = every(clock, LOOK_MS, () => {
      this.#reading = this.#reading.then(() => this.#read());
    });
  }

  async end(): Promise<void> {
    this.#stop();
    await this.#reading;
    await this.#read();
  }

  async #read(): Promise<void> {
    if (!this.#isNeeded()) return;
    const { state, roster, log } = this.#attempt;
    try {
      const path = (await newestBatchJoblog(this.#attempt.folders.tasks, this.#startedThere - 1000))?.path;
      if (path === undefined) return;
      const text = await readText(path);
      if (text === this.#seen) return;
      this.#seen = text;
      const commands = await readText(join(dirname(dirname(path)), 'commands.txt'));
      const tally = new TaskTally(commands.split('\n').length - (commands.endsWith('\n') ? 1 : 0), []);
      const nodes = new Map(roster.records().map(({ address, index }) => [address, index]));
      const before = state.snapshot().tally;
      for (const row of joblogRows(text)) {
        tally.ended(row, (row.startTime + row.runtime) * 1000);
        // Those of an earlier attempt were another machine's work.
        if (before?.has(row.seq) !== true && row.startTime * 1000 >= this.#startedAt - 1000)
          roster.taskEnded(nodes.get(row.host) ?? 0, row.runtime);
      }
      state.countTasks(tally, dirname(path));
    } catch (error) {
      log('Sierra:Joblog:Unread', { why: String(error) });
    }
  }
}

/** Undefined when every run succeeded. SIERRA itself exits 0 when runs failed. */
export function failedRuns({
  state,
}: AttemptPart<'state'>): Extract<RunnerReason, { kind: 'tasks-failed' }> | undefined {
  const counts = state.snapshot().tally?.counts();
  if (counts === undefined) return undefined;
  const lost = counts.total - counts.succeeded - counts.failed;
  if (counts.failed === 0 && lost === 0) return undefined;
  return { kind: 'tasks-failed', failed: counts.failed, lost };
}
