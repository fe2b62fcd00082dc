import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import { parseJoblog } from '../../../experiment/results/joblog.ts';
import { test } from '../../support/loopback-cluster.ts';
import { BATCH_ROOT, BELOW_ROOT, lines, run, sierraCluster } from './stand-in.ts';

const PATIENCE = { timeout: 60_000 };

const UNTIL_TWO_NODES = 'until [ "$(sort -u "$HOME_OF_TEST/said" | wc -l)" -gt 1 ]; do sleep 0.05; done';

describe.concurrent('a SIERRA experiment', () => {
  test(
    'runs stage 2 on all nodes, and the later ones once the workers are gone',
    PATIENCE,
    async ({ aCluster }) => {
      // A run waits for one on another node: else one node could do all before the other is connected.
      const runs =
        `echo "$GREETING" "$AWS_BATCH_JOB_NODE_INDEX" >> "$HOME_OF_TEST/said"; ${UNTIL_TWO_NODES}\n`.repeat(
          8,
        );
      const made = await sierraCluster(aCluster, runs.replaceAll('$HOME_OF_TEST', '../../../../../..'), {});
      const { codes, output } = await run(made);
      expect(codes, output).toEqual([0, 0]);
      expect(lines(made, 'stages')).toEqual(['stage 1', 'stage 2', 'stage 3', 'stage 4']);
      expect(new Set(lines(made, 'said'))).toEqual(new Set(['good  day 0', 'good  day 1']));
      expect((await made.progress()).tasks).toMatchObject({ total: 8, succeeded: 8 });
      expect(parseJoblog((await made.text(runKeys(made.runId).joblog)) ?? '')).toHaveLength(8);
      expect(made.leftovers()).toEqual([]);
    },
  );

  test(
    'tells failed runs although SIERRA exits 0, and processes the others alone',
    PATIENCE,
    async ({ aCluster }) => {
      const outputs = [`${BELOW_ROOT}/exp-outputs`];
      const runs = 'true\necho why >&2; exit 3\n';
      const made = await sierraCluster(aCluster, runs, { args: BATCH_ROOT }, { outputs });
      const { codes, output } = await run(made);
      expect(codes, output).toEqual([1, 0]);
      const progress = await made.progress();
      expect(progress.reason).toEqual({ kind: 'tasks-failed', failed: 1, lost: 0 });
      expect(progress.incomplete).toEqual([{ experiment: 'c1-exp0', whole: 1, runs: 2 }]);
      expect(await made.text(runKeys(made.runId).taskOutput(2, 'err'))).toBe('why\n');
      expect(lines(made, 'stages')).toContain('stage 4');
      expect(lines(made, 'processed')).toEqual(['template_run0_output']);
      const index = JSON.parse((await made.text(runKeys(made.runId).outputIndex)) ?? '{}');
      expect(index.missing).toEqual([]);
      expect(index.files.map(({ path }: { path: string }) => path).sort()).toEqual([
        `${BELOW_ROOT}/exp-failed/c1-exp0/template_run1_output/rows`,
        `${BELOW_ROOT}/exp-outputs/c1-exp0/template_run0_output/rows`,
      ]);
    },
  );

  test('that breaks outside its tasks ends with 5 and names the stage', PATIENCE, async ({ aCluster }) => {
    const made = await sierraCluster(aCluster, 'true\n', { args: ['--breaks-in=3'] });
    expect((await run(made)).codes[0]).toBe(5);
    const { reason } = await made.progress();
    expect(reason).toMatchObject({ kind: 'sierra-failed', stage: 3, exitCode: 1 });
    expect(JSON.stringify(reason)).toContain('stage 3 is broken');
  });

  test('that is retried leaves stage 1 out and resumes stage 2', PATIENCE, async ({ aCluster }) => {
    const made = await sierraCluster(
      aCluster,
      'echo once >> ../../../../../../once\n[ -e ../../../../../../once2 ]\n',
      {
        onFailedRuns: 'stop',
      },
    );
    expect((await run(made)).codes[0]).toBe(1);
    writeFileSync(join(made.shared, 'runs/test-run-0123456789a/once2'), '');
    const again = await run(made, '2');
    expect(again.codes[0], again.output).toBe(0);
    expect(lines(made, 'once')).toEqual(['once']);
    expect(lines(made, 'stages')).toEqual([
      'stage 1',
      'stage 2',
      'stage 2 --resume-failed',
      'stage 3',
      'stage 4',
    ]);
  });
});
