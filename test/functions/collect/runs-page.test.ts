import { expect, it } from 'vitest';
import { Bucket } from '../../../aws/bucket.ts';
import { RUNS_PAGE_KEY, runKeys } from '../../../experiment/layout/bucket-keys.ts';
import { asRunIndex } from '../../../experiment/run-list/page-index.ts';
import { rewriteRunsPage } from '../../../functions/collect/runs-page.ts';
import { dataOfRunsPage } from '../../../report/runs-page.ts';
import { aStatus } from '../../fixtures/records.ts';
import type { ControlPlane } from '../../support/control-plane.ts';
import { awsError, controlPlane, MANIFEST } from '../../support/control-plane.ts';
import { hooked } from '../../support/hostile-ports.ts';

const rowsOf = async (plane: ControlPlane) =>
  asRunIndex(dataOfRunsPage(await plane.text(RUNS_PAGE_KEY))).rows;

it('the page of runs has the run that ended, and those that go on', async () => {
  const plane = await controlPlane();
  const one = await plane.start();
  const other = await plane.start(MANIFEST.replace('sweep', 'other'), 'manifests/other.yaml');
  plane.nodes[0]?.exit({ exitCode: 0 });
  await plane.tick(3);
  const rows = await rowsOf(plane);
  expect(rows.find(({ runId }) => runId === one.runId)).toMatchObject({ state: 'succeeded', name: 'sweep' });
  expect(rows.find(({ runId }) => runId === other.runId)?.state).toMatch(/queued|starting|joining/);
  expect(await plane.text(RUNS_PAGE_KEY)).toContain(`href="${runKeys(one.runId).report}"`);
});

it('of two runs that end at once neither loses its row', async () => {
  let meanwhile: (() => Promise<void>) | undefined;
  const plane = await controlPlane({
    s3: (real) =>
      hooked(real, async (command, call) => {
        const overtaken = command.name === 'putObject' && command.input.Key === RUNS_PAGE_KEY;
        const other = overtaken ? meanwhile : undefined;
        if (other !== undefined) {
          meanwhile = undefined;
          await other();
        }
        return call();
      }),
  });
  const { deps } = plane;
  const bucket = new Bucket(deps.s3, deps.deployment.bucket, deps.clock);
  const [one, other] = ['one-00000000001', 'other-00000000002'];
  const put = (runId: string, state: string) =>
    plane.put(
      runKeys(runId).status,
      JSON.stringify({ ...aStatus(), runId, state, history: [{ state, at: '2026-01-01T00:00:00Z' }] }),
    );
  await put(one, 'succeeded');
  await put(other, 'running');
  // Between the first writer's reading and its writing the other run ends, and its page is written.
  meanwhile = async () => {
    await put(other, 'failed');
    await rewriteRunsPage(deps, bucket, other);
  };
  await plane.during(rewriteRunsPage(deps, bucket, one));
  const states = (await rowsOf(plane)).map(({ runId, state }) => `${runId} ${state}`);
  expect(states.sort()).toEqual([`${one} succeeded`, `${other} failed`]);
});

it('a page that cannot be written holds up no run', async () => {
  const plane = await controlPlane({
    s3: (real) =>
      hooked(real, (command, call) => {
        if (command.name === 'putObject' && command.input.Key === RUNS_PAGE_KEY)
          throw awsError('AccessDenied', 403);
        return call();
      }),
  });
  const { runId } = await plane.start();
  plane.nodes[0]?.exit({ exitCode: 0 });
  await plane.tick(3);
  expect(plane.record(runId)?.status).toBe('SUCCEEDED');
  expect(plane.logged('RunsPage:NotWritten')[0]?.fields).toMatchObject({ runId });
});
