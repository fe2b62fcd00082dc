import { PutObjectCommand } from '@aws-sdk/client-s3';
import { expect, it } from 'vitest';
import { RUNS_PAGE_KEY, runKeys } from '../../experiment/bucket-layout.ts';
import { asRunIndex } from '../../experiment/run-index.ts';
import { dataOfRunsPage } from '../../report/runs-page.ts';
import type { ControlPlane } from './control-plane.ts';
import { awsError, controlPlane, hooked, MANIFEST } from './control-plane.ts';

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

it('two runs that end at once are both on it', async () => {
  let isHeld = true;
  const held = Promise.withResolvers<void>();
  const plane = await controlPlane({
    s3: (real) =>
      hooked(real, async (command, call) => {
        if (!isHeld || !(command instanceof PutObjectCommand) || command.input.Key !== RUNS_PAGE_KEY)
          return call();
        // The first writer is overtaken between its reading and its writing.
        isHeld = false;
        await held.promise;
        return call();
      }),
  });
  const one = await plane.start();
  const other = await plane.start(MANIFEST.replace('sweep', 'other'), 'manifests/other.yaml');
  for (const node of plane.nodes) node.exit({ exitCode: 0 });
  await plane.pass(90);
  const late = plane.collect({ runId: other.runId });
  await plane.pass(10);
  held.resolve();
  await plane.during(late);
  await plane.tick(3);
  const states = (await rowsOf(plane)).map(({ runId, state }) => `${runId} ${state}`).sort();
  expect(states).toEqual([`${one.runId} succeeded`, `${other.runId} succeeded`].sort());
});

it('a page that cannot be written holds up no run', async () => {
  const plane = await controlPlane({
    s3: (real) =>
      hooked(real, (command, call) => {
        if (command instanceof PutObjectCommand && command.input.Key === RUNS_PAGE_KEY)
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
