import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Progress, RunnerReason } from '../../../experiment/records/progress.ts';
import { joblogRows } from '../../../experiment/results/joblog.ts';
import { readTasks } from '../../../experiment/results/task-table.ts';
import { summarise } from '../../../experiment/summary/summarise.ts';
import { anyRun } from '../figures/any-run.ts';

const number = (text = '0') => Number(text.replaceAll(',', ''));
const sum = (text: string, counts: RegExp) =>
  [...text.matchAll(counts)].reduce((all, [, count]) => all + number(count), 0);

/** Ends of a run, each with what node 0 says of it. */
const anyEnd = fc.record({
  outcome: fc.constantFrom('failed' as const, 'cancelled' as const, 'timed-out' as const),
  kind: fc.constantFrom('failures-stopped', 'tasks-failed', 'finally-failed', 'run-time-limit', 'none'),
  isAsked: fc.boolean(),
});

const PARTS =
  /([\d,]+) (?:of [\d,]+ tasks? |tasks so far )?(?:had succeeded|succeeded|failed|lost|cut off|not started|not finished|never finished|done before|running)\b/g;

it('in every sentence that counts tasks the parts add up to all of them', async () => {
  const said = new Set<string>();
  await fc.assert(
    fc.asyncProperty(anyRun, anyEnd, async (run, { outcome, kind, isAsked }) => {
      const { plan, joblog, acceptedAt } = run;
      const began = plan.resume === undefined ? undefined : acceptedAt;
      const tasks = await readTasks(joblogRows(joblog), began);
      const input = {
        ...run,
        tasks,
        stderrTails: new Map([...tasks.seqs].map((seq) => [seq, `bad ${seq}`])),
      };
      const { tasks: counts } = summarise({ ...input, outcome: 'failed' });
      const { total, succeeded, failed, before = 0 } = counts;
      const reasons: Record<string, RunnerReason> = {
        'failures-stopped': { kind: 'failures-stopped', seconds: 2, isAsked, signature: 'exit' },
        'tasks-failed': { kind: 'tasks-failed', failed, lost: total - succeeded - failed },
        'finally-failed': { kind: 'finally-failed', exitCode: 1, tail: '', failed },
        'run-time-limit': { kind: 'run-time-limit', seconds: 60 },
      };
      const reason = reasons[kind];
      // Its closing command is run, and all that fail alike are ended, only so.
      fc.pre(kind !== 'finally-failed' || (succeeded + failed === total && failed > 0));
      fc.pre(kind !== 'failures-stopped' || isAsked || succeeded === before);
      const progress: Progress = {
        ...run.progress,
        ...(reason === undefined ? {} : { reason, exitCode: 1 }),
      };
      const { headline, why, attempts = [] } = summarise({ ...input, outcome, progress });
      const text = `${headline} ${why}`;
      const own = text
        .replace('The other one succeeded', '1 succeeded')
        .replaceAll(/[\d,]+ of the [\d,]+ that failed|Attempt \d/g, '');
      const names = /(\d[\d,]*) of (\d[\d,]*) tasks?/.exec(own);
      if (names !== null) {
        expect(number(names[2]), text).toBe(total);
        expect(sum(own, PARTS), text).toBe(total);
        said.add(kind);
      }
      const groups = /([\d,]+) of the ([\d,]+) that failed/.exec(text);
      if (groups !== null) {
        const others = sum(text, /([\d,]+) (?:×|in \d+ more groups?\b)/g);
        expect([number(groups[1]) + others, failed], text).toEqual([number(groups[2]), number(groups[2])]);
        said.add('groups');
      }
      const other = / ran the other ([\d,]+) tasks?\./.exec(text);
      if (other !== null) {
        const earlier = attempts.slice(0, -1).reduce((all, { ended }) => all + ended, 0);
        expect(before + earlier + number(other[1]), text).toBe(total);
        said.add('attempts');
      }
    }),
    { numRuns: 3000, seed: 20_261_201 },
  );
  expect([...said].toSorted()).toEqual([
    'attempts',
    'failures-stopped',
    'finally-failed',
    'groups',
    'none',
    'run-time-limit',
    'tasks-failed',
  ]);
});
