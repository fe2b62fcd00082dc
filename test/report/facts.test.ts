import { expect, it } from 'vitest';
import { renderReport } from '../../report/render.ts';
import { SAMPLES, sampleReport } from './sample-runs.ts';

async function factsOf(more: { tasks?: Record<string, number>; utilisation?: number | null }) {
  const sample = SAMPLES.small;
  if (sample === undefined) throw new Error('no sample small');
  const input = await sampleReport(sample);
  const tasks = { ...input.summary.tasks, ...more.tasks };
  const page = renderReport({ ...input, summary: { ...input.summary, ...more, tasks } });
  return new Map(
    [...page.matchAll(/<dt>([^<]*)<\/dt><dd>([^<]*)<small>(.*?)<\/small>/g)].map(
      ([, name, value, remark]) => [name, `${value}: ${remark}`],
    ),
  );
}

const NONE = { total: 0, succeeded: 0, failed: 0, lost: 0, retried: 0 };

it.each([
  [0.5, { ...NONE, total: 10, succeeded: 10 }, '50 %'],
  [null, { ...NONE, total: 10, succeeded: 10 }, '–'],
  // SIERRA's stages from the third on.
  [0.5, NONE, '–'],
  [null, NONE, '–'],
])('how busy slots were (%s of %o) is told where there were tasks', async (utilisation, tasks, said) => {
  expect((await factsOf({ utilisation, tasks })).get('Busy')).toBe(`${said}: of the slots’ time`);
});

it.each([
  [{ ...NONE, total: 10, succeeded: 10 }, '10 of 10: succeeded'],
  [
    { ...NONE, total: 10, succeeded: 7, failed: 2, lost: 1 },
    '7 of 10: <span class="bad">2 failed, 1 lost</span>',
  ],
  [
    { ...NONE, total: 10, succeeded: 5, failed: 1, retried: 3, notStarted: 4 },
    '5 of 10: <span class="bad">1 failed</span>, 3 retried, 4 not started',
  ],
  [
    { ...NONE, total: 10, succeeded: 4, cutOff: 2, notStarted: 4, before: 3 },
    '4 of 10: <span class="bad">2 cut off</span>, 3 done before, 4 not started',
  ],
  [NONE, '0: none was started'],
])('what became of tasks: %o', async (tasks, said) => {
  expect((await factsOf({ tasks })).get('Tasks')).toBe(said);
});
