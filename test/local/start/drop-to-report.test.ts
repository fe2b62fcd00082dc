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
  test.for(['pool', 'stock'])('YAML, a packed folder, --fanout %s', async (fanout, { here }) => {
    here.write('sweep.yaml', YAML);
    here.write('project/sim.sh', 'echo "seed $1 factor $FACTOR"\n');
    here.write('empty-results/README', 'results come here\n');
    const ended = await here.run(['--fanout', fanout, 'sweep.yaml']);

    expect(ended, ended.out + ended.err).toMatchObject({ code: 0, left: [] });
    const [runId = ''] = here.runIds();
    expect(runId).toMatch(/^sweep-[0-9a-f]{11}$/);
    const run = `runs/${runId}`;
    expect(here.text(`${run}/outputs/results/3.txt`)).toBe('seed 3 factor 1.0\n');
    expect(here.text(`${run}/manifest.yaml`)).toContain('{FACTOR: 1.0}   # as written');
    expect(here.json(`${run}/plan.json`)).toMatchObject({ fanout, slots: 2 });
    expect(here.text(`${run}/joblog.tsv`).trim().split('\n')).toHaveLength(7);

    const { files, missing } = here.json(`${run}/outputs/index.json`) as {
      files: { path: string; size: number; sha256: string }[];
      missing: string[];
    };
    expect(missing).toEqual([]);
    expect(files).toHaveLength(7);
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
      tasks: { total: 4, succeeded: 4, failed: 0, retried: 0, lost: 0 },
      nodes: [0, 1].map((index) => ({
        index,
        address: expect.stringMatching(/^127\./),
        slots: 2,
        tasks: expect.any(Number),
        busySeconds: expect.any(Number),
        state: expect.stringMatching(/^(joined|released)$/),
      })),
      timings: {
        queuedSeconds: expect.any(Number),
        joinSeconds: expect.any(Number),
        runSeconds: expect.any(Number),
      },
      nodeHours: expect.any(Number),
      utilisation: expect.any(Number),
      failures: [],
    });
    const [, title] = /<h1>(.*)<\/h1>/.exec(here.text(`${run}/report.html`)) ?? [];
    expect(`${title}.`).toBe(summary.headline);
    expect(ended.out).toContain(summary.headline);
    expect(ended.out).toMatch(/^report {3}\.sierra-batch\/bucket\/runs\/.*\/report\.html$/m);
  });

  test('a failed task: exit code 1, its output and the reason are there', async ({ here }) => {
    here.write('m.json', manifest({}, { list: ['echo fine', 'echo said; echo wrong >&2; exit 9', 'true'] }));
    const ended = await here.run(['m.json']);

    expect(ended.code).toBe(1);
    const run = `runs/${here.runIds()[0]}`;
    expect(here.list(`${run}/logs/tasks`)).toEqual(['2.err', '2.out']);
    expect(here.text(`${run}/logs/tasks/2.err`)).toBe('wrong\n');
    expect(here.text(`${run}/logs/tasks/2.out`)).toBe('said\n');
    expect(here.json(`${run}/summary.json`)).toMatchObject({
      outcome: 'failed',
      exitCode: 1,
      tasks: { total: 3, succeeded: 2, failed: 1 },
      failures: [{ count: 1, example: { seq: 2, exitval: 9 } }],
    });
    expect(ended.out).toMatch(/^1 of 3 tasks failed\.$/m);
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

  test('resume runs only what is missing or failed, in the same folder', async ({ here }) => {
    const list = ['echo 1 >> ran', 'echo 2 >> ran; test -e repaired', 'echo 3 >> ran'];
    here.write('m.json', manifest({ outputs: ['ran'] }, { list }));
    expect((await here.run(['m.json'])).code).toBe(1);
    const [first = ''] = here.runIds();
    here.write(`.sierra-batch/shared/runs/${first}/work/repaired`, '');
    here.write('again.json', manifest({ outputs: ['ran'], resume: first }, { list }));
    const again = await here.run(['again.json']);

    expect(again, again.out + again.err).toMatchObject({ code: 0, left: [] });
    const second = here.runIds().find((id) => id !== first);
    expect(here.text(`runs/${second}/outputs/ran`).trim().split('\n').toSorted()).toEqual([
      '1',
      '2',
      '2',
      '3',
    ]);
    expect(here.json(`runs/${second}/summary.json`)).toMatchObject({
      tasks: { total: 3, succeeded: 3, failed: 0 },
    });
  });

  test('a workspace outlives its run; commands come from a file beside the manifest', async ({ here }) => {
    here.write('commands.txt', 'cat earlier 2>/dev/null; echo "from the file" >> earlier\n');
    const text = manifest(
      { workspace: 'kept', outputs: ['earlier'], cluster: { nodes: 1, vcpus: 1 } },
      { file: 'commands.txt' },
    );
    here.write('m.json', text);
    expect((await here.run(['m.json'])).code).toBe(0);
    expect((await here.run(['m.json'])).code).toBe(0);

    const seen = here.runIds().map((id) => here.text(`runs/${id}/outputs/earlier`));
    expect(seen.toSorted()).toEqual(['from the file\n', 'from the file\nfrom the file\n']);
  });
});

const ORDER = ['submitted', 'queued', 'starting', 'joining', 'running', 'collecting', 'succeeded'];

function inOrder(states: readonly string[]): string[] {
  return ORDER.filter((state) => states.includes(state));
}
