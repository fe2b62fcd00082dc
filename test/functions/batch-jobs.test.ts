import { expect, it } from 'vitest';
import { describeJobs, findJobIds, liveJobIds } from '../../functions/stores/batch-jobs.ts';
import { DESCRIBED, LISTED } from '../fixtures/recorded-answers.ts';
import { controlPlane } from '../support/control-plane.ts';

const RUN_ID = 'mnp-running-0123456789a';

/** Batch that answers as it did, the multi-node job that runs bearing a run's name and nonce. */
async function recorded() {
  const renamed = <Entry extends { jobName?: string | undefined }>(entries: readonly Entry[] = []) =>
    entries.map((entry) =>
      entry.jobName === 'mnp-running' ? { ...entry, jobName: RUN_ID, tags: { nonce: 'n' } } : entry,
    );
  const { deps } = await controlPlane({
    batch: (real) => ({
      ...real,
      describeJobs: async () => ({ $metadata: {}, jobs: renamed(DESCRIBED.ALL_parents?.jobs) }),
      listJobs: async ({ jobStatus = 'RUNNING' }) => ({
        $metadata: {},
        jobSummaryList: renamed(LISTED[jobStatus]?.jobSummaryList),
      }),
    }),
  });
  return deps;
}

it('of all that Batch described only what is the run’s own counts, whatever it is about', async () => {
  const deps = await recorded();
  const jobs = await describeJobs(deps, { runId: RUN_ID, jobNonce: 'n' }, ['id']);
  expect(jobs.map(({ id, status }) => [id, status])).toEqual([
    ['qwerfcbc-2647-4d8b-a1ef-da65bffe0dd0', 'RUNNING'],
  ]);
  expect(await describeJobs(deps, { runId: RUN_ID, jobNonce: 'of another' }, ['id'])).toEqual([]);
  expect(await describeJobs(deps, { runId: 'of-another-0123456789a', jobNonce: 'n' }, ['id'])).toEqual([]);
});

it('of all that Batch listed only jobs with the name of a run are looked at', async () => {
  const deps = await recorded();
  expect([...(await liveJobIds(deps))].map(([runId, ids]) => [runId, new Set(ids)])).toEqual([
    [RUN_ID, new Set(['qwerfcbc-2647-4d8b-a1ef-da65bffe0dd0'])],
  ]);
  expect(await findJobIds(deps, RUN_ID)).toEqual(['qwerfcbc-2647-4d8b-a1ef-da65bffe0dd0']);
});
