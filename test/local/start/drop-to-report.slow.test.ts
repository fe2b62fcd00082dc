import { describe, expect } from 'vitest';
import { manifest, test } from './npm-start.ts';

describe.concurrent('a manifest dropped becomes a run with everything that it promises', {
  timeout: 120_000,
}, () => {
  test('a failed task: exit code 1, its output and the reason are there', async ({ here }) => {
    const list = ['echo fine', 'echo said; echo wrong >&2; exit 9', 'true'];
    // What the auditor is to see as well: tasks of no time, one that takes longer than the rest, signals, another try.
    const more = [
      'kill -9 $$',
      'kill -SEGV $$',
      'sleep 2',
      '[ $SIERRA_BATCH_TRY = 2 ]',
      ...Array(9).fill(':'),
    ];
    here.write('m.json', manifest({ retry: { tasks: 1 } }, { list: [...list, ...more] }));
    const ended = await here.run(['m.json']);

    expect(ended.code).toBe(1);
    const run = `runs/${here.runIds()[0]}`;
    expect(here.list(`${run}/logs/tasks`)).toEqual(['2.err', '2.out', '4.err', '4.out', '5.err', '5.out']);
    expect(here.text(`${run}/logs/tasks/2.err`)).toBe('wrong\n');
    expect(here.text(`${run}/logs/tasks/2.out`)).toBe('said\n');
    expect(here.json(`${run}/summary.json`)).toMatchObject({
      outcome: 'failed',
      exitCode: 1,
      tasks: { total: 16, succeeded: 13, failed: 3, retried: 4 },
      failures: [
        { count: 1, signature: 'exit 9: wrong', example: { seq: 2, exitval: 9 } },
        { count: 1, signature: 'signal 9 (KILL)' },
        { count: 1, signature: 'signal 11 (SEGV)' },
      ],
    });
    expect(ended.out).toMatch(/^3 of 16 tasks failed\.$/m);
  });

  const sleeps = (many: number, seconds: number) => Array.from({ length: many }, () => `sleep ${seconds}`);
  // Each of them is audited as well: where a run is cut, tried again or small, figures go wrong first.
  for (const { name, args = [], change, list, code, tasks, said = /./ } of [
    {
      name: 'cut by its time limit',
      change: { timeouts: { run: '60s' } },
      list: sleeps(5, 100),
      code: 124,
      tasks: { succeeded: 0, lost: 0, cutOff: 4, notStarted: 1 },
    },
    {
      name: 'cut by its budget',
      change: { budget: { maxNodeHours: 0.01 } },
      list: ['sleep 0.5', ...sleeps(6, 100)],
      code: 7,
      tasks: { succeeded: 1, lost: 0, cutOff: 4, notStarted: 2 },
    },
    {
      name: 'with more slots than tasks',
      change: {},
      list: sleeps(3, 0.5),
      code: 0,
      tasks: { succeeded: 3, retried: 0 },
    },
    {
      name: 'that a node is lost to, with a second attempt',
      args: ['--fault', 'node-lost'],
      change: { retry: { attempts: 2, tasks: 1 } },
      list: [...sleeps(29, 1.5), '[ $SIERRA_BATCH_TRY = 2 ]'],
      code: 0,
      tasks: { succeeded: 30, failed: 0, retried: 1, lost: 0 },
      said: /Attempt 1 lost node \d \([\d:]{8} UTC\) and stopped .* Attempt 2 ran the other \d+ tasks\./,
    },
  ])
    test(`a run ${name} is told as it was`, async ({ here }) => {
      here.write('m.json', manifest(change, { list }));
      const ended = await here.run([...args, 'm.json']);
      expect(ended, ended.out + ended.err).toMatchObject({ code, left: [] });
      expect(here.json(`runs/${here.runIds()[0]}/summary.json`)).toMatchObject({ tasks });
      expect(ended.out).toMatch(said);
    });

  test('resume runs only what is missing or failed, in the same folder', async ({ here }) => {
    const list = ['echo 1 >> ran', 'echo 2 >> ran; test -e repaired', 'echo 3 >> ran; test -e other'];
    here.write('m.json', manifest({ outputs: ['ran'] }, { list }));
    expect((await here.run(['m.json'])).code).toBe(1);
    const [first = ''] = here.runIds();
    const known = [first];
    for (const [name, code] of [
      ['repaired', 1],
      ['other', 0],
    ] as const) {
      here.write(`.sierra-batch/shared/runs/${first}/work/${name}`, '');
      here.write('again.json', manifest({ outputs: ['ran'], resume: known.at(-1) }, { list }));
      const again = await here.run(['again.json']);
      expect(again, again.out + again.err).toMatchObject({ code, left: [] });
      known.push(...here.runIds().filter((id) => !known.includes(id)));
    }
    expect(here.text(`runs/${known[2]}/outputs/ran`).trim().split('\n').toSorted()).toEqual(
      [1, 2, 2, 3, 3, 3].map(String),
    );
    expect(here.json(`runs/${known[2]}/summary.json`)).toMatchObject({
      tasks: { total: 3, succeeded: 3, failed: 0, before: 2 },
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
    expect((await here.run(['--fanout', 'stock', 'm.json'])).code).toBe(0);

    const seen = here.runIds().map((id) => here.text(`runs/${id}/outputs/earlier`));
    expect(seen.toSorted()).toEqual(['from the file\n', 'from the file\nfrom the file\n']);
  });
});
