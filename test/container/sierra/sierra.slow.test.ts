import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { Plan } from '../../../experiment/plan/plan.ts';
import { test } from '../../support/loopback-cluster.ts';
import { BATCH_ROOT, BELOW_ROOT, change, lines, run, sierraCluster } from './stand-in.ts';

const PATIENCE = { timeout: 60_000 };

describe.concurrent('a SIERRA experiment', () => {
  test('uses in stage 2 a node that came while stage 1 was run', PATIENCE, async ({ aCluster }) => {
    const late: Partial<Plan> = {
      minNodes: 1,
      timeouts: { queueSeconds: 60, joinSeconds: 2, runSeconds: 60 },
    };
    const runs = 'echo "$AWS_BATCH_JOB_NODE_INDEX" >> ../../../../../../said; sleep 0.5\n'.repeat(8);
    const made = await sierraCluster(aCluster, runs, { args: ['--waits-in=1'], pipeline: [1, 2] }, late);
    const environment = { PATH: `${made.base}/bin:${process.env.PATH}` };
    const main = made.start(0, environment);
    await main.event('Sierra:Stage:Started');
    const worker = made.start(1, environment);
    await expect
      .poll(() => main.output(), { timeout: 20_000 })
      .toContain('"late":true,"event":"Node:Joined"');
    writeFileSync(join(made.shared, 'runs/test-run-0123456789a/go-on'), '');
    expect(await main.exited, main.output()).toBe(0);
    expect(await worker.exited).toBe(0);
    expect(new Set(lines(made, 'said'))).toEqual(new Set(['0', '1']));
  });

  test(
    'of which all runs failed says so with 1, and does not try stage 3',
    PATIENCE,
    async ({ aCluster }) => {
      const made = await sierraCluster(aCluster, 'false\nfalse\n', {});
      const { codes, output } = await run(made);
      expect(codes, output).toEqual([1, 0]);
      expect(lines(made, 'stages')).toEqual(['stage 1', 'stage 2']);
      const { reason, incomplete } = await made.progress();
      expect(reason).toEqual({ kind: 'too-few-runs', stage: 3, minRuns: 1, unnamed: 0 });
      expect(incomplete).toEqual([{ experiment: 'c1-exp0', whole: 0, runs: 2 }]);
    },
  );

  test(
    'with fewer whole runs than `minRuns` ends with 1 before stage 3; resumed, all come back',
    PATIENCE,
    async ({ aCluster }) => {
      const runs = 'true\n[ -e ../../../../../../mended ]\n';
      const made = await sierraCluster(aCluster, runs, { args: BATCH_ROOT, minRuns: 2 });
      expect((await run(made)).codes).toEqual([1, 0]);
      expect((await made.progress()).reason).toMatchObject({ kind: 'too-few-runs', minRuns: 2 });
      expect(lines(made, 'stages')).toEqual(['stage 1', 'stage 2']);
      expect(existsSync(join(made.shared, `runs/${made.runId}/work/${BELOW_ROOT}/exp-failed/c1-exp0`))).toBe(
        true,
      );
      writeFileSync(join(made.shared, `runs/${made.runId}/mended`), '');
      const again = await run(made, '2');
      expect(again.codes[0], again.output).toBe(0);
      expect(lines(made, 'processed')).toEqual(['template_run0_output', 'template_run1_output']);
      expect((await made.progress()).incomplete).toBeUndefined();
      expect(existsSync(join(made.shared, `runs/${made.runId}/work/${BELOW_ROOT}/exp-failed`))).toBe(false);
    },
  );

  test(
    'that has fewer runs than `minRuns` at all ends with 1 before stage 3',
    PATIENCE,
    async ({ aCluster }) => {
      const made = await sierraCluster(aCluster, 'true\n', { minRuns: 2 });
      expect((await run(made)).codes).toEqual([1, 0]);
      const { reason, incomplete } = await made.progress();
      expect(reason).toMatchObject({ kind: 'too-few-runs', minRuns: 2 });
      expect(incomplete).toEqual([{ experiment: 'c1-exp0', whole: 1, runs: 1 }]);
    },
  );

  test(
    'whose stage 4 hangs is ended after `timeouts.process`, with 5 and the stage',
    PATIENCE,
    async ({ aCluster }) => {
      const timeouts = { queueSeconds: 60, joinSeconds: 30, runSeconds: 60, processSeconds: 3 };
      const made = await sierraCluster(aCluster, 'true\n', { args: ['--hangs-in=4'] }, { timeouts });
      const { codes, output } = await run(made);
      expect(codes, output).toEqual([5, 0]);
      const { reason } = await made.progress();
      expect(reason).toMatchObject({ kind: 'sierra-failed', stage: 4, limitSeconds: 3 });
      expect(reason).not.toHaveProperty('experiment');
      expect(made.leftovers()).toEqual([]);
    },
  );

  test(
    'may begin its runs with a program in the folder that they start in',
    PATIENCE,
    async ({ aCluster }) => {
      const args = BATCH_ROOT;
      const made = await sierraCluster(aCluster, '../../../../../engine run-1\n', {
        args,
        pipeline: [1, 2],
      });
      const root = join(made.shared, 'runs', made.runId, 'work');
      mkdirSync(root, { recursive: true });
      writeFileSync(join(root, 'engine'), '#!/bin/sh\n', { mode: 0o755 });
      const { codes, output } = await run(made);
      expect(codes, output).toEqual([0, 0]);
    },
  );

  test('stops before stage 3 where the manifest says so', PATIENCE, async ({ aCluster }) => {
    const made = await sierraCluster(aCluster, 'false\n', { onFailedRuns: 'stop' });
    expect((await run(made)).codes).toEqual([1, 0]);
    expect(lines(made, 'stages')).toEqual(['stage 1', 'stage 2']);
  });

  test(
    'whose input is not in S3 says so, and does not blame shared storage',
    PATIENCE,
    async ({ aCluster }) => {
      const made = await sierraCluster(aCluster, 'true\n', {});
      const inputs = [{ kind: 'object', bucket: 'bucket', key: 'data/nothing.txt', to: 'runs.txt' }];
      await change(made, () => ({ inputs }));
      const [main] = made.startAll({ PATH: `${made.base}/bin:${process.env.PATH}` });
      expect(await main?.exited, main?.output()).toBe(2);
      const { reason } = await made.progress();
      expect(reason).toMatchObject({
        kind: 'bad-plan',
        what: expect.stringContaining('s3://bucket/data/nothing.txt'),
      });
    },
  );

  test('whose list of commands cannot be read is told as that', PATIENCE, async ({ aCluster }) => {
    const made = await sierraCluster(aCluster, 'true\n', { args: ['--loses-list'] });
    expect((await run(made)).codes[0]).toBe(2);
    const { reason } = await made.progress();
    expect(reason).toMatchObject({ kind: 'storage-failed', what: expect.stringMatching(/^ENOENT.*list/) });
  });

  test(
    'is over when SIERRA is, whatever it left running in the background',
    PATIENCE,
    async ({ aCluster }) => {
      const made = await sierraCluster(aCluster, 'true\n', { args: ['--leaves-in=3'] });
      const { codes, output } = await run(made);
      expect(codes, output).toEqual([0, 0]);
      expect(lines(made, 'stages')).toContain('stage 4');
      expect(made.leftovers()).toEqual([]);
    },
  );

  test('ends in time although the connection to a node does not', PATIENCE, async ({ aCluster }) => {
    const made = await sierraCluster(aCluster, 'sleep 60\n'.repeat(4), {});
    const [main] = made.startAll({ PATH: `${made.base}/bin:${process.env.PATH}` });
    await main?.event('Sierra:Line');
    const connections = () => sshProcessesTo(made.address(1));
    await expect.poll(connections, { timeout: 20_000 }).toHaveLength(1);
    const [connection = 0] = connections();
    process.kill(connection, 'SIGSTOP');
    main?.child.kill('SIGTERM');
    const code = await main?.exited;
    process.kill(connection, 'SIGKILL');
    expect(code, main?.output()).toBe(143);
    expect((await made.progress()).reason).toEqual({ kind: 'terminated', signal: 'SIGTERM' });
  });

  test(
    'tried again never overwrites what another run has made in its workspace',
    PATIENCE,
    async ({ aCluster }) => {
      const made = await sierraCluster(aCluster, 'true\n', { args: BATCH_ROOT }, { workspace: 'w' });
      const others = join(
        made.shared,
        'workspaces/w/project/controller/scenario/template-criterion/exp-inputs',
      );
      mkdirSync(others, { recursive: true });
      expect((await run(made)).codes[0]).toBe(5);
      expect((await run(made, '2')).codes[0]).toBe(5);
      const stages = readFileSync(join(made.shared, 'workspaces/stages'), 'utf8');
      expect(stages).toBe('stage 1 \nstage 1 \n');
    },
  );

  test(
    'that goes on with inputs of other arguments is refused, and says which',
    PATIENCE,
    async ({ aCluster }) => {
      const made = await sierraCluster(aCluster, 'false\n', { args: ['--n-runs=4'], onFailedRuns: 'stop' });
      expect((await run(made)).codes[0]).toBe(1);
      await change(made, ({ work }) => ({ work: { ...work, args: ['--n-runs', '8'] } }));
      expect((await run(made, '2')).codes[0]).toBe(2);
      const { reason } = await made.progress();
      expect(reason).toMatchObject({
        kind: 'bad-environment',
        faults: [{ check: 'stage-1-made-otherwise' }],
      });
      expect(JSON.stringify(reason)).toContain('was made with --n-runs=4, and this manifest has --n-runs=8');
      expect(lines(made, 'stages')).toEqual(['stage 1', 'stage 2']);
    },
  );

  test(
    'with a SIERRA that has no awsbatch plugin ends with 2, and says so',
    PATIENCE,
    async ({ aCluster }) => {
      const made = await sierraCluster(aCluster, 'true\n', {});
      // The interpreter of SIERRA's own first line is asked; this one finds nothing.
      const python = join(made.base, 'bin/python3');
      writeFileSync(python, '#!/bin/sh\nexit 3\n');
      chmodSync(python, 0o755);
      writeFileSync(join(made.base, 'bin/sierra'), `#!${python}\n`);
      const [main] = made.startAll({ PATH: `${made.base}/bin:${process.env.PATH}` });
      expect(await main?.exited).toBe(2);
      expect((await made.progress()).reason).toMatchObject({
        kind: 'bad-environment',
        faults: [{ check: 'no-awsbatch-plugin', todo: expect.stringMatching(/1\.5\.8 or later/) }],
      });
    },
  );

  test(
    'in a folder whose path has a blank ends with 2: SIERRA would write elsewhere',
    PATIENCE,
    async ({ aCluster }) => {
      const made = await sierraCluster(aCluster, 'true\n', {});
      const shared = join(made.base, 'my shared');
      mkdirSync(shared);
      const [main] = made.startAll({
        PATH: `${made.base}/bin:${process.env.PATH}`,
        SIERRA_BATCH_SHARED: shared,
      });
      expect(await main?.exited).toBe(2);
      expect((await made.progress()).reason).toMatchObject({
        kind: 'bad-environment',
        faults: [{ check: 'path-not-for-sierra', what: expect.stringContaining(shared) }],
      });
      expect(existsSync(join(made.base, 'my'))).toBe(false);
    },
  );

  test('without SIERRA in the image ends with 2', PATIENCE, async ({ aCluster }) => {
    const made = await sierraCluster(aCluster, 'true\n', {});
    const [main] = made.startAll();
    expect(await main?.exited).toBe(2);
    expect((await made.progress()).reason).toMatchObject({
      kind: 'bad-environment',
      faults: [{ check: 'no-sierra' }],
    });
  });
});

function sshProcessesTo(address: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
        return words[0] === 'ssh' && words.includes(address);
      } catch {
        return false; // it ended meanwhile
      }
    })
    .map(Number);
}
