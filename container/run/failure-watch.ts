import { failureSignature } from '../../experiment/diagnosis/failed-tasks/signature.ts';
import type { Ending } from '../../experiment/records/ending.ts';
import { endingOf } from '../../experiment/records/ending.ts';
import type { JoblogRow } from '../../experiment/results/joblog.ts';
import { SAMPLED, StopRule } from '../../experiment/run/stop-rule.ts';
import type { AttemptPart } from '../attempt/attempt.ts';
import type { RunningFanout, TryEnd } from '../fan-out/fan-out.ts';
import { stderrOf } from '../tasks/failed-output.ts';
import type { TaskTally } from '../tasks/tally.ts';

type WatchPart = AttemptPart<
  'plan' | 'roster' | 'ending' | 'state' | 'progress' | 'output' | 'log' | 'context'
>;

/** Notes how tasks fail, sends what the first of each kind wrote, and ends a run in which too many do. */
export class FailureWatch {
  readonly #attempt: WatchPart;
  readonly #tally: TaskTally;
  readonly #rule: StopRule;
  readonly #startedAt: number;
  #running: RunningFanout | undefined;

  constructor(attempt: WatchPart, tally: TaskTally) {
    const { plan, roster, context } = attempt;
    const { total, succeeded: earlier } = tally.counts();
    this.#attempt = attempt;
    this.#tally = tally;
    // What GNU parallel alone has started cannot be taken from all over the list.
    const rule = plan.stopAfter ?? (plan.fanout === 'stock' ? 'never' : undefined);
    this.#rule = new StopRule(rule, { total, slots: roster.slotsNow(), earlier });
    this.#startedAt = context.clock.now();
  }

  follow(running: RunningFanout): void {
    this.#running = running;
  }

  /** A try that another follows. */
  tried(row: JoblogRow, about: TryEnd | undefined): void {
    const ending = this.#endingOf(row, about);
    if (ending.kind === 'memory') this.#tally.triedAlone.add(row.seq);
    this.#tally.failures.addTry(row, ending, about === undefined ? undefined : (about.stderr ?? ''));
  }

  /** A task that ended for good. */
  ended(row: JoblogRow, about: TryEnd | undefined): void {
    if ((about?.left ?? 0) > 0) this.#tally.leftBehind += 1;
    const ending = this.#endingOf(row, about);
    if (ending.kind === 'succeeded') this.#judge(row.seq, ending, undefined, '');
    else if (about !== undefined) this.#failed(row, ending, about.stderr ?? '');
    else void this.#readAndNote(row, ending);
  }

  #endingOf(row: JoblogRow, about: TryEnd | undefined): Ending {
    return about?.end === undefined
      ? endingOf(row, this.#attempt.plan.timeouts.taskSeconds)
      : { kind: about.end };
  }

  /** GNU parallel alone tells nothing of stderr but where it lies. */
  async #readAndNote(row: JoblogRow, ending: Ending): Promise<void> {
    const { state } = this.#attempt;
    const stderr = await stderrOf(state.snapshot().results, row).catch(() => undefined);
    this.#failed(row, ending, stderr);
  }

  #failed(row: JoblogRow, ending: Ending, stderr: string | undefined): void {
    const { output, state, progress } = this.#attempt;
    const kinds = this.#tally.failures.kinds;
    const { isKept, signature } = this.#tally.failed(row, ending, stderr);
    const { results } = state.snapshot();
    if (isKept) output.keep({ row, ...(ending.kind === 'lost' ? { words: stderr } : {}) }, results);
    if (this.#tally.failures.kinds > kinds) progress.wake();
    this.#judge(row.seq, ending, signature, stderr ?? '');
  }

  #judge(seq: number, ending: Ending, signature: string | undefined, words: string): void {
    const { log, context } = this.#attempt;
    const hasWords = words !== '' && signature !== failureSignature(ending);
    const verdict = this.#rule.next({
      seq,
      ending,
      signature,
      hasWords,
      at: context.clock.now() / 1000,
    });
    if (verdict === 'sample') {
      const sampled = this.#running?.sample?.(SAMPLED) ?? [];
      log('Run:LooksHopeless', { signature, sampled: sampled.length });
      this.#rule.watch(sampled);
    } else if (verdict === 'stop') {
      const seconds = (context.clock.now() - this.#startedAt) / 1000;
      const { isAsked } = this.#rule;
      this.#attempt.ending.because({
        kind: 'failures-stopped',
        seconds,
        isAsked,
        signature: signature ?? '',
      });
    }
  }
}
