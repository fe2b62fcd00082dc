import { PutObjectCommand } from '@aws-sdk/client-s3';
import { StopExecutionCommand } from '@aws-sdk/client-sfn';
import { expect, it } from 'vitest';
import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import { executionArn } from '../../../experiment/run/execution.ts';
import { aProgress } from '../../fixtures/records.ts';
import { awsError, controlPlane, hooked, MANIFEST, STATE_MACHINE } from '../../support/control-plane.ts';

const DAY = 24 * 3_600_000;
const OPEN = 'control/open/';
/** More than two pages of any list. */
const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];

async function manyRuns() {
  const plane = await controlPlane();
  const runs: string[] = [];
  for (const name of NAMES)
    runs.push((await plane.start(MANIFEST.replace('sweep', name), `manifests/${name}.yaml`)).runId);
  return { plane, runs };
}

it('every open run is looked at, however many pages of marks there are', async () => {
  const { plane, runs } = await manyRuns();
  for (const node of plane.nodes) node.exit({ exitCode: 0 });
  await plane.tick(3);
  expect(runs.map((runId) => plane.record(runId)?.status)).toEqual(NAMES.map(() => 'SUCCEEDED'));
  expect(await plane.keys(OPEN)).toEqual([]);
});

it('every live job is found, however many pages of jobs there are, also where its run’s mark is gone', async () => {
  const { plane, runs } = await manyRuns();
  for (const runId of runs)
    await plane.states.send(
      new StopExecutionCommand({ executionArn: executionArn(STATE_MACHINE, runId), cause: 'enough' }),
    );
  await plane.forgetMarks(runs);
  await plane.tick(2);
  expect(plane.localBatch.liveJobs()).toEqual([]);
});

it('a mark is kept while the record that follows it is being written', async () => {
  let sweepsMeanwhile = true;
  const plane = await controlPlane({
    s3: (real) =>
      hooked(real, async (command, call) => {
        const key = command instanceof PutObjectCommand ? (command.input.Key ?? '') : '';
        const isClaim = key.startsWith('control/') && !key.startsWith(OPEN);
        if (!isClaim || !sweepsMeanwhile) return call();
        sweepsMeanwhile = false;
        await plane.tick();
        await call();
        // And whoever claimed it comes no further.
        throw awsError('RequestTimeout', 400);
      }),
  });
  const event = await plane.put('manifests/sweep.yaml', MANIFEST);
  await plane.during(plane.ingest(event)).catch(() => undefined);
  await plane.tick(3);
  plane.nodes[0]?.exit({ exitCode: 0 });
  await plane.tick(3);
  expect(plane.localStates.records().map(({ status }) => status)).toEqual(['SUCCEEDED']);
});

it('a mark whose record never came is forgotten after two days, and not before', async () => {
  const plane = await controlPlane();
  await plane.put(`${OPEN}never-0123456789a`, '');
  await plane.pass((2 * DAY) / 1000 - 60);
  await plane.tick();
  expect(await plane.keys(OPEN)).toEqual([`${OPEN}never-0123456789a`]);
  await plane.tick();
  expect(await plane.keys(OPEN)).toEqual([]);
});

it('a mark of a run that goes on is kept, however old it is', async () => {
  const plane = await controlPlane();
  const { runId } = await plane.start(MANIFEST.replace('run: 2h', 'run: 72h'));
  await plane.pass((2 * DAY) / 1000 + 60);
  const [job] = plane.localBatch.allJobs();
  const at = new Date(plane.clock.now()).toISOString();
  const said = aProgress({ runId, jobId: job?.id ?? '', phase: 'running', at });
  await plane.put(runKeys(runId).progress, JSON.stringify(said));
  await plane.tick();
  expect(job?.status).toBe('RUNNING');
  expect(await plane.keys(OPEN)).toEqual([`${OPEN}${runId}`]);
});

it('a mark that a killed function left of a closed run is forgotten at once', async () => {
  const plane = await controlPlane();
  const { runId } = await plane.start();
  plane.nodes[0]?.exit({ exitCode: 0 });
  await plane.tick(3);
  expect(await plane.json(runKeys(runId).control)).toHaveProperty('closedAt');
  await plane.put(`${OPEN}${runId}`, '');
  await plane.tick();
  expect(await plane.keys(OPEN)).toEqual([]);
});
