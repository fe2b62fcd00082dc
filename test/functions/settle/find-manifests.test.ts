import { expect, it } from 'vitest';
import { MANIFEST_SEARCH_KEY, rejectionKeys } from '../../../experiment/layout/bucket-keys.ts';
import { OVERLOOKED_DETAIL_TYPE } from '../../../experiment/notify/event-names.ts';
import type { ControlPlane } from '../../support/control-plane.ts';
import { awsError, BUCKET, controlPlane, hooked, MANIFEST, runIdOf } from '../../support/control-plane.ts';

const KEY = 'manifests/sweep.yaml';

const overlooked = ({ told }: ControlPlane) =>
  told.filter((event) => event['detail-type'] === OVERLOOKED_DETAIL_TYPE);
const overlookedKeys = (plane: ControlPlane) =>
  overlooked(plane).map(({ detail }) => Object(detail.object).key);

it('a manifest whose event was lost becomes a run once it is five minutes old', async () => {
  const plane = await controlPlane();
  const lost = await plane.put(KEY, MANIFEST);
  await plane.tick(4);
  expect(overlooked(plane)).toEqual([]);
  await plane.tick();
  const [event] = overlooked(plane);
  await plane.tick(2);
  // Asked for once, until it is twice as old.
  expect(overlooked(plane)).toHaveLength(1);
  await plane.ingest(event);
  expect(plane.record(runIdOf(lost, 'sweep'))?.status).toBe('RUNNING');
  await plane.tick(30);
  expect(overlooked(plane)).toHaveLength(1);
});

it('a manifest with faults whose event was lost is rejected', async () => {
  const plane = await controlPlane();
  const lost = await plane.put(KEY, 'name: [');
  await plane.tick(5);
  await plane.ingest(overlooked(plane)[0]);
  const version = Object(lost.detail.object)['version-id'];
  expect(await plane.keys('rejected/')).toContain(rejectionKeys(KEY, version).text);
  await plane.tick(30);
  expect(overlooked(plane)).toHaveLength(1);
});

it('what became a run or a rejection is not looked for, nor what is no manifest', async () => {
  const plane = await controlPlane();
  await plane.start();
  await plane.ingest(await plane.put('manifests/bad.yaml', MANIFEST.replace('nodes: 2', 'nodes: 0')));
  await plane.ingest(await plane.put('manifests/hostile.yaml', `name: ${'x'.repeat(2000)}`));
  await plane.ingest(await plane.put('manifests/large.yaml', `# ${'x'.repeat(1024 * 1024)}`));
  await plane.put('manifests/readme.md', MANIFEST);
  await plane.tick(15);
  expect(overlooked(plane)).toEqual([]);
});

it('every version that was lost is a run, the overwritten one too', async () => {
  const plane = await controlPlane();
  const lost = [await plane.put(KEY, MANIFEST), await plane.put(KEY, `${MANIFEST}# again\n`)];
  await plane.tick(5);
  for (const event of overlooked(plane)) await plane.ingest(event);
  const runIds = plane.localStates.records().map(({ name }) => name);
  expect(runIds.toSorted()).toEqual(lost.map((event) => runIdOf(event, 'sweep')).toSorted());
});

it('a manifest that was deleted meanwhile is left alone', async () => {
  const plane = await controlPlane();
  await plane.put(KEY, MANIFEST);
  await plane.s3.deleteObject({ Bucket: BUCKET, Key: KEY });
  await plane.tick(15);
  expect(overlooked(plane)).toEqual([]);
});

it('a list of more than five pages is searched a part a minute, and begun again', async () => {
  const plane = await controlPlane();
  const keys = Array.from({ length: 16 }, (_, index) => `manifests/${String.fromCharCode(97 + index)}.yaml`);
  for (const key of keys) await plane.put(key, '');
  await plane.tick(5);
  // Pages of three here.
  expect(overlookedKeys(plane)).toEqual(keys.slice(0, 15));
  await plane.put('manifests/a1.yaml', '');
  await plane.tick();
  expect(overlookedKeys(plane)).toEqual(keys);
  await plane.tick(6);
  expect(overlookedKeys(plane)).toContain('manifests/a1.yaml');
});

it('while nothing is dropped, a minute reads one record and one list', async () => {
  const calls: string[] = [];
  const plane = await controlPlane({
    s3: (real) =>
      hooked(real, (call, go) => {
        calls.push(call.name);
        return go();
      }),
  });
  const { runId } = await plane.start();
  plane.nodes[0]?.exit({ exitCode: 0 });
  await plane.tick(15);
  expect(await plane.json(`control/${runId}.json`)).toHaveProperty('closedAt');
  calls.length = 0;
  await plane.tick();
  expect(calls).toEqual(['listObjectsV2', 'getObject', 'listObjectVersions']);
});

it.each([
  ['is not served', {}],
  ['takes no event', { FailedEntryCount: 1 }],
])('a search in which EventBridge %s is made again in a minute', async (_, answer) => {
  let refuses = true;
  const plane = await controlPlane({
    events: (real) => ({
      putEvents: async (input) => {
        if (!refuses) return real.putEvents(input);
        if (!('FailedEntryCount' in answer)) throw awsError('InternalFailure', 500);
        return { ...answer, $metadata: {} };
      },
    }),
  });
  await plane.put(KEY, MANIFEST);
  await plane.tick(5);
  refuses = false;
  expect(plane.logged('Manifests:NotSearched')).toHaveLength(1);
  expect(plane.logged('metric FunctionFailed')).toHaveLength(1);
  await plane.tick();
  expect(overlookedKeys(plane)).toEqual([KEY]);
});

it('a record of the search that nobody can read costs a new search', async () => {
  const plane = await controlPlane();
  await plane.put(MANIFEST_SEARCH_KEY, '{"version":1,"beganAt":"now"}');
  await plane.put(KEY, MANIFEST);
  await plane.tick(5);
  expect(overlookedKeys(plane)).toEqual([KEY]);
});
