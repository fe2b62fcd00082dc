import { describe, expect } from 'vitest';
import { manifest, test } from './npm-start.ts';

describe.concurrent('a manifest dropped becomes a run with everything that it promises', {
  timeout: 120_000,
}, () => {
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
