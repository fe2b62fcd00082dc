import { expect, it } from 'vitest';
import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import { planSha256 } from '../../../experiment/plan/plan.ts';
import { controlPlane, MANIFEST, runIdOf } from '../../support/control-plane.ts';

/** A run that is claimed, and whose job is not submitted yet. */
async function claimed() {
  const plane = await controlPlane();
  const event = await plane.put('manifests/sweep.yaml', MANIFEST);
  await plane.ingest(event);
  const runId = runIdOf(event, 'sweep');
  return { plane, runId, event, its: runKeys(runId) };
}

it.each([
  ['with more nodes', { cluster: { nodes: 30, vcpus: 2, memoryMiB: 1024, image: 'evil' } }],
  ['of another run', { runId: 'other-0123456789a' }],
  ['with one blank more', {}],
])('a plan %s is not submitted, and its run ends', async (_what, more) => {
  const { plane, its } = await claimed();
  const written = { ...(await plane.json(its.plan)), ...more };
  await plane.put(its.plan, `${JSON.stringify(written, undefined, 1)} `);
  await plane.tick(3);
  expect(plane.localBatch.allJobs()).toEqual([]);
  expect(await plane.json(its.control)).toMatchObject({
    closedAt: expect.any(Number),
    stop: { why: expect.stringMatching(/plan.json was deleted or overwritten/) },
  });
});

it('the job’s nodes know the plan by its SHA-256', async () => {
  const { plane, its } = await claimed();
  await plane.tick();
  const sha256 = planSha256(await plane.text(its.plan));
  expect(await plane.json(its.control)).toMatchObject({ planSha256: sha256 });
  expect(plane.nodes[0]?.spec.environment).toMatchObject({ SIERRA_BATCH_PLAN_SHA256: sha256 });
});

it('a run that an earlier version claimed has no SHA-256, and goes on', async () => {
  const { plane, its } = await claimed();
  const { planSha256: _, ...earlier } = await plane.json(its.control);
  await plane.put(its.control, JSON.stringify(earlier));
  await plane.tick();
  expect(plane.localBatch.allJobs()).toMatchObject([{ status: 'RUNNING' }]);
});

it('what lay at the plan’s place before the claim is written over', async () => {
  const plane = await controlPlane();
  const event = await plane.put('manifests/sweep.yaml', MANIFEST);
  const its = runKeys(runIdOf(event, 'sweep'));
  await plane.put(its.plan, 'x'.repeat(20 * 1024 * 1024));
  await plane.ingest(event);
  await plane.tick();
  expect(plane.localBatch.allJobs()).toMatchObject([{ status: 'RUNNING' }]);
});

it('a resume does not go by a plan that tasks wrote over', async () => {
  const { plane, its, runId } = await claimed();
  await plane.tick();
  plane.nodes[0]?.exit({ exitCode: 1 });
  await plane.tick(3);
  const written = { ...(await plane.json(its.plan)), folder: '../../../home/sierra' };
  await plane.put(its.plan, JSON.stringify(written, undefined, 1));
  await plane.ingest(await plane.put('manifests/again.yaml', `${MANIFEST}resume: ${runId}\n`));
  const [json = ''] = await plane.keys('rejected/');
  expect(await plane.json(json)).toMatchObject({ faults: [{ code: 'no-such-run', path: 'resume' }] });
});
