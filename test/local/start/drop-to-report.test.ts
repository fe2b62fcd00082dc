import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { manifest, test } from './npm-start.ts';

const YAML = `# a sweep
apiVersion: sierra-batch/v1
name: sweep
cluster: {nodes: 2, vcpus: 2}
run:
  commands:
    template: "sh project/sim.sh {seed} > results/{seed}.txt"
    matrix: {seed: {from: 1, to: 6}}
  jobsPerNode: 2
inputs: [{from: ./project, to: project/}, {from: ./empty-results, to: results/}]
outputs: [results/]
environment: {FACTOR: 1.0}   # as written
timeouts: {join: 20s, run: 60s}
`;

describe.concurrent('a manifest dropped becomes a run with everything that it promises', {
  timeout: 120_000,
}, () => {
  // The pool has its whole run below.
  test('YAML, a packed folder, --fanout stock', async ({ here }) => {
    here.write('sweep.yaml', YAML);
    here.write('project/sim.sh', 'echo "seed $1 factor $FACTOR"\n');
    here.write('empty-results/README', 'results come here\n');
    const ended = await here.run(['--fanout', 'stock', 'sweep.yaml']);

    expect(ended, ended.out + ended.err).toMatchObject({ code: 0, left: [] });
    const [runId = ''] = here.runIds();
    expect(runId).toMatch(/^sweep-[0-9a-f]{11}$/);
    const run = `runs/${runId}`;
    expect(here.text(`${run}/outputs/results/3.txt`)).toBe('seed 3 factor 1.0\n');
    expect(here.text(`${run}/manifest.yaml`)).toContain('{FACTOR: 1.0}   # as written');
    expect(here.json(`${run}/plan.json`)).toMatchObject({ fanout: 'stock', slots: 2 });
    expect(here.text(`${run}/joblog.tsv`).trim().split('\n')).toHaveLength(7);

    const { files, missing } = here.json(`${run}/outputs/index.json`) as {
      files: { path: string; size: number; sha256: string }[];
      missing: string[];
    };
    expect(missing).toEqual([]);
    // What came with the inputs is no result.
    expect(files.map(({ path }) => path)).toEqual([1, 2, 3, 4, 5, 6].map((seed) => `results/${seed}.txt`));
    for (const { path, size, sha256 } of files) {
      const bytes = readFileSync(join(here.folder, '.sierra-batch/bucket', run, 'outputs', path));
      expect({ size, sha256 }).toEqual({
        size: bytes.length,
        sha256: createHash('sha256').update(bytes).digest('hex'),
      });
    }
  });

  test('the states in their order, the summary in its shape, the report with the headline', async ({
    here,
  }) => {
    here.write('m.json', manifest());
    const ended = await here.run(['m.json']);

    expect(ended, ended.out + ended.err).toMatchObject({ code: 0, left: [] });
    const run = `runs/${here.runIds()[0]}`;
    const { state, history } = here.json(`${run}/status.json`) as {
      state: string;
      history: { state: string; at: string }[];
    };
    expect(state).toBe('succeeded');
    expect(history.map((entry) => entry.state)).toEqual(inOrder(history.map((entry) => entry.state)));
    expect(history[0]?.state).toBe('submitted');

    const summary = here.json(`${run}/summary.json`) as { headline: string };
    expect(summary).toEqual({
      runId: here.runIds()[0],
      outcome: 'succeeded',
      exitCode: 0,
      headline: expect.stringMatching(/^Succeeded: 4 of 4 tasks/),
      why: expect.any(String),
      next: expect.any(String),
      tasks: { total: 4, succeeded: 4, failed: 0, retried: 0, before: 0, lost: 0, cutOff: 0, notStarted: 0 },
      nodes: [0, 1].map((index) => ({
        index,
        address: expect.stringMatching(/^127\./),
        slots: 2,
        tasks: expect.any(Number),
        busySeconds: expect.any(Number),
        share: expect.any(Number),
        state: expect.stringMatching(/^(joined|released)$/),
      })),
      timings: {
        queuedSeconds: expect.any(Number),
        joinSeconds: expect.any(Number),
        runSeconds: expect.any(Number),
      },
      nodeHours: expect.any(Number),
      usd: 0,
      utilisation: expect.any(Number),
      failures: [],
    });
    const [, title] = /<h1>(.*)<\/h1>/.exec(here.text(`${run}/report.html`)) ?? [];
    expect(`${title}.`).toBe(summary.headline);
    expect(ended.out).toContain(summary.headline);
    expect(ended.out).toMatch(/^report {3}\.sierra-batch\/bucket\/runs\/.*\/report\.html$/m);
  });

  test('a manifest with faults, or one that ingest refuses, starts nothing: exit code 2', async ({
    here,
  }) => {
    here.write('faults.yaml', YAML.replace('nodes: 2', 'nodez: 2').replace('join: 20s', 'join: soon'));
    here.write('queue.json', manifest({ cluster: { nodes: 2, vcpus: 2, queue: 'elsewhere' } }));
    const faults = await here.run(['faults.yaml']);
    expect(faults).toMatchObject({ code: 2, left: [] });
    expect(faults.err).toMatch(/^faults\.yaml:4:11: cluster\.nodez: .*did you mean `nodes`/m);
    expect(faults.err).toMatch(/^faults\.yaml:13:18: timeouts\.join/m);

    const refused = await here.run(['queue.json']);
    expect(refused).toMatchObject({ code: 2, left: [] });
    expect(refused.err).toContain('elsewhere');
    expect(here.runIds()).toEqual([]);
    expect(here.list('rejected/manifests')).toHaveLength(1);
  });
});

const ORDER = ['submitted', 'queued', 'starting', 'joining', 'running', 'collecting', 'succeeded'];

function inOrder(states: readonly string[]): string[] {
  return ORDER.filter((state) => states.includes(state));
}
