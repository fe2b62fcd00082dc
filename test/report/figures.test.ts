import fc from 'fast-check';
import { expect, it } from 'vitest';
import { makespan } from '../../experiment/advice/makespan.ts';
import { readTasks } from '../../experiment/results/task-table.ts';
import { renderReport } from '../../report/render.ts';
import { aRow } from '../fixtures/records.ts';
import { SAMPLES, sampleReport } from './sample-runs.ts';

const sampleOf = async (name: string) => {
  const sample = SAMPLES[name];
  if (sample === undefined) throw new Error(`no sample ${name}`);
  return sampleReport(sample);
};

it.each([
  [90, 'its clock is 1 min 30 s ahead'],
  [-90, 'its clock is 1 min 30 s behind'],
])('a node whose clock is %d s ahead is told as such', async (clockAheadSeconds, said) => {
  const input = await sampleOf('small');
  const nodes = input.nodes.map((node) => (node.index === 1 ? { ...node, clockAheadSeconds } : node));
  expect(renderReport({ ...input, nodes })).toContain(said);
});

it('how long tasks took: median, 90th percentile, shortest and longest', async () => {
  const input = await sampleOf('small');
  const tasks = await readTasks(Array.from({ length: 100 }, (_, at) => aRow(at + 1, { runtime: 100 - at })));
  const page = renderReport({ ...input, tasks });
  expect(page).toContain(
    'Half took at most 50 s (the dotted line), 90 % at most 1 min 30 s; the shortest 1 s, the longest 1 min 40 s.',
  );
});

it('advice is the same whatever the order in which tasks ended', async () => {
  const input = await sampleOf('idle');
  const adviceIn = (page: string) => /For the next run.*?<\/section>/s.exec(page)?.[0];
  // The last one is long: every slot has ten others before.
  const rows = Array.from({ length: 321 }, (_, at) => aRow(at + 1, { runtime: at === 320 ? 600 : 40 }));
  const runSeconds = makespan(
    rows.map(({ runtime }) => runtime),
    input.run.nodes * input.run.slots,
  );
  const summary = { ...input.summary, timings: { ...input.summary.timings, runSeconds } };
  const advice = adviceIn(renderReport({ ...input, summary, tasks: await readTasks(rows) }));
  expect(advice).toContain('longest tasks first');
  await fc.assert(
    fc.asyncProperty(fc.shuffledSubarray(rows, { minLength: rows.length }), async (shuffled) => {
      expect(adviceIn(renderReport({ ...input, summary, tasks: await readTasks(shuffled) }))).toBe(advice);
    }),
    { numRuns: 10 },
  );
});

it('what is said of the nodes is of those that came, and of the last attempt where there were several', async () => {
  const input = await sampleOf('small');
  const nodes = input.nodes.map((node) => {
    const { joinedAt: _, ...absent } = node;
    return node.index === 1 ? { ...absent, state: 'never-came' as const } : node;
  });
  const page = renderReport({ ...input, nodes, attemptStart: Date.parse(input.nodes[0]?.joinedAt ?? '') });
  expect(page).toContain(`tasks on ${nodes.length - 1} of ${nodes.length} nodes.`);
  expect(page).toContain('of the slots’ time in the last attempt');
  expect(page).toMatch(/<h2>Nodes<\/h2>\s*<p class="note">In the last attempt\.<\/p>/);
});

it('of few tasks the longest alone does not flatten the histogram', async () => {
  const input = await sampleOf('small');
  const rows = Array.from({ length: 20 }, (_, at) =>
    aRow(at + 1, { runtime: at === 19 ? 500 : 1 + at / 20 }),
  );
  expect(renderReport({ ...input, tasks: await readTasks(rows) })).toContain('<span>1.9 s and more</span>');
});
