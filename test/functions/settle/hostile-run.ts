import { expect } from 'vitest';
import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import { MAX_COLLECTS } from '../../../experiment/records/control.ts';
import { executionArn } from '../../../experiment/run/execution.ts';
import type { HostileObject } from '../../fixtures/hostile-records.ts';
import { controlPlane, MANIFEST, STATE_MACHINE } from '../../support/control-plane.ts';

export const SITUATIONS = ['cancelled', 'past its deadline', 'job ended'] as const;

const SMALL = MANIFEST.replace('{nodes: 2, vcpus: 2}', '{nodes: 1, vcpus: 1}');

/**
 * Runs whose folders tasks have written over, and one beside them: each is closed and its job dead, whatever was written,
 * and the one beside them has succeeded.
 */
export async function endAll(
  situation: (typeof SITUATIONS)[number],
  folders: readonly (readonly HostileObject[])[],
) {
  const plane = await controlPlane();
  const runs: { runId: string; folder: readonly HostileObject[] }[] = [];
  for (const [index, folder] of folders.entries()) {
    const { runId } = await plane.start(SMALL.replace('sweep', `h${index}`), `manifests/h${index}.yaml`);
    runs.push({ runId, folder });
  }
  const other = await plane.start(SMALL, 'manifests/other.yaml');
  await plane.tick();
  const overwrite = async () => {
    for (const { runId, folder } of runs)
      for (const { key, body } of folder) await plane.put(`runs/${runId}/${key}`, body);
  };
  await overwrite();
  plane.nodes.at(-1)?.exit({ exitCode: 0 });
  if (situation === 'past its deadline') await plane.pass(4 * 3600);
  for (const [index, { runId }] of runs.entries()) {
    if (situation === 'cancelled')
      await plane.localStates.stopExecution({ executionArn: executionArn(STATE_MACHINE, runId), cause: '' });
    if (situation === 'job ended') plane.nodes[index]?.exit({ exitCode: 0 });
  }
  await overwrite();
  await plane.tick(MAX_COLLECTS + 4);
  for (const { runId, folder } of runs) {
    const shown = folder.map(({ key, what }) => `${key}: ${what}`).join('\n');
    expect(await plane.json(runKeys(runId).control), shown).toMatchObject({ closedAt: expect.any(Number) });
  }
  expect(new Set(plane.localBatch.allJobs().map(({ status }) => status))).not.toContain('RUNNING');
  expect(await plane.json(runKeys(other.runId).control)).toMatchObject({
    closedAt: expect.any(Number),
    ended: { outcome: 'succeeded' },
  });
}

/** At most one hostile object of each kind a folder. */
export function foldersOf(objects: readonly (readonly HostileObject[])[]): HostileObject[][] {
  const most = Math.max(...objects.map(({ length }) => length));
  return Array.from({ length: most }, (_, index) => objects.flatMap((kind) => kind[index] ?? []));
}
