import fc from 'fast-check';
import { expect, it } from 'vitest';
import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import { renderPlan } from '../../../experiment/plan/plan.ts';
import { endingWords } from '../../../experiment/records/ending.ts';
import { renderJoblog } from '../../../experiment/results/joblog.ts';
import { renderLastLine } from '../../../experiment/results/last-lines.ts';
import { readRemains } from '../../../functions/collect/run-folder.ts';
import { describeJobs } from '../../../functions/stores/batch-jobs.ts';
import { storesOf } from '../../../functions/stores/run-stores.ts';
import { aPlan, aRow, RUN_ID } from '../../fixtures/records.ts';
import { controlPlane } from '../../support/control-plane.ts';

async function aFolder() {
  const plane = await controlPlane();
  return { plane, stores: storesOf(plane.deps, RUN_ID) };
}

it('rows are read as they were written, wherever S3 cuts them', async () => {
  const { plane, stores } = await aFolder();
  const letters = fc.string({
    unit: fc.constantFrom('é', '漢', '😀', 'a', '\t', ' '),
    minLength: 1,
    maxLength: 12,
  });
  await fc.assert(
    fc.asyncProperty(fc.array(letters, { minLength: 1, maxLength: 5 }), async (commands) => {
      const rows = commands.map((command, at) => aRow(at + 1, { command, exitval: 1 }));
      await plane.put(runKeys(RUN_ID).joblog, renderJoblog(rows));
      const { tasks } = await readRemains(stores, undefined);
      expect(commands.map((_, at) => tasks.commands.get(at + 1))).toEqual(commands);
    }),
    { numRuns: 30 },
  );
});

it('a last row that was cut off counts as not written, and one that was replaced as its last', async () => {
  const { plane, stores } = await aFolder();
  const text = renderJoblog([aRow(1, { exitval: 1 }), aRow(1), aRow(2)]);
  await plane.put(runKeys(RUN_ID).joblog, text.slice(0, -1));
  const { tasks } = await readRemains(stores, undefined);
  expect([...tasks.seqs]).toEqual([1]);
  expect(tasks.ending.map(({ kind }) => kind)).toEqual(['succeeded']);
});

it('what no command gives is no row: a number over the most commands, a host or a line that is too long', async () => {
  const { plane, stores } = await aFolder();
  const odd = [
    aRow(1_000_001),
    aRow(2, { host: 'h'.repeat(256) }),
    aRow(3, { command: 'x'.repeat(640 * 1024) }),
  ];
  await plane.put(runKeys(RUN_ID).joblog, renderJoblog([...odd, aRow(1_000_000, { host: 'h'.repeat(255) })]));
  const { tasks } = await readRemains(stores, undefined);
  expect([...tasks.seqs]).toEqual([1_000_000]);
});

it('of failed tasks stderr is read, of others not; what is not there is left out', async () => {
  const { plane, stores } = await aFolder();
  const keys = runKeys(RUN_ID);
  await plane.put(keys.joblog, renderJoblog([aRow(1), aRow(2, { exitval: 1 }), aRow(3, { exitval: 2 })]));
  for (const seq of [1, 2]) await plane.put(keys.taskOutput(seq, 'err'), `größe ${seq}`);
  const { stderrTails, plan, progress, nodes, outputs, manifest } = await readRemains(stores, undefined);
  expect([...stderrTails]).toEqual([[2, 'größe 2']]);
  expect({ plan, progress, nodes, outputs, manifest }).toEqual({
    plan: undefined,
    progress: undefined,
    nodes: [],
    outputs: undefined,
    manifest: '',
  });
});

it('how a try ended is what node 0 noted of it; a limit is told from a code of one’s own by how long it ran', async () => {
  const { plane, stores } = await aFolder();
  const keys = runKeys(RUN_ID);
  const plan = aPlan();
  await plane.put(keys.plan, renderPlan({ ...plan, timeouts: { ...plan.timeouts, taskSeconds: 60 } }).text);
  const rows = [
    aRow(1, { exitval: 137, startTime: 1000 }),
    aRow(1, { exitval: 137, startTime: 2000 }),
    aRow(2, { exitval: 124, runtime: 60.1 }),
    aRow(3, { exitval: 124, runtime: 59.9 }),
  ];
  await plane.put(keys.joblog, renderJoblog(rows));
  const { seq, startTime } = rows[0] ?? aRow(1);
  await plane.put(keys.lastLines, `${renderLastLine({ seq, startTime }, { kind: 'memory' }, '')}\n`);
  const { tasks } = await readRemains(stores, undefined);
  expect(tasks.tries.ending.map(endingWords)).toEqual([
    'out of memory',
    'signal 9 (KILL)',
    'time limit',
    'exit 124',
  ]);
});

it('lists and folders are read to their end, page by page, and no further than was asked', async () => {
  const {
    plane,
    stores: { bucket },
  } = await aFolder();
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
  for (const name of names) for (const file of ['1', '2']) await plane.put(`runs/${name}/${file}`, '');
  const listed: string[] = [];
  for await (const { key } of bucket.list('runs/')) listed.push(key);
  expect(listed).toEqual(names.flatMap((name) => [`runs/${name}/1`, `runs/${name}/2`]));
  const folders = names.map((name) => `runs/${name}/`);
  expect(await bucket.folders('runs/', 3)).toEqual({ folders, complete: true });
  expect(await bucket.folders('runs/', 2)).toEqual({ folders: folders.slice(0, 6), complete: false });
});

it('more jobs are described than Batch takes in a call', async () => {
  const { plane } = await aFolder();
  const { runId } = await plane.start();
  const { jobNonce } = await plane.json(runKeys(runId).control);
  const run = { runId, jobNonce: String(jobNonce) };
  const unknown = Array.from(
    { length: 100 },
    (_, at) => `00000000-0000-4000-8000-${String(at).padStart(12, '0')}`,
  );
  const [job] = plane.localBatch.allJobs();
  const found = await describeJobs(plane.deps, run, [...unknown, job?.id ?? '']);
  expect(found.map(({ id }) => id)).toEqual([job?.id]);
  expect(await describeJobs(plane.deps, { ...run, jobNonce: 'another' }, [job?.id ?? ''])).toEqual([]);
});
