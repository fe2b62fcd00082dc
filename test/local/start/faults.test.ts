import { describe, expect } from 'vitest';
import { GATED, loseNodeTwo } from './lose-a-node.ts';
import { manifest, test } from './npm-start.ts';

const LIST = Array.from({ length: 16 }, (_, index) => `sleep 0.2; echo ${index + 1}`);

describe.concurrent('what users of AWS Batch meet, met here on purpose', { timeout: 120_000 }, () => {
  test('--fault failing-task ends with 1, and says which and why', async ({ here }) => {
    here.write('m.json', manifest({ cluster: { nodes: 3, vcpus: 2 } }, { list: LIST }));
    const ended = await here.run(['--fault', 'failing-task', 'm.json']);

    expect(ended, ended.out + ended.err).toMatchObject({ code: 1, left: [] });
    expect(here.json(`runs/${here.runIds()[0]}/summary.json`)).toMatchObject({
      outcome: 'failed',
      headline: '3 of 16 tasks failed.',
      tasks: { total: 16, succeeded: 13, failed: 3 },
      failures: [
        { count: 3, example: { seq: 1, exitval: 3, stderrTail: expect.stringMatching(/asked to fail/) } },
      ],
    });
    expect(ended.out).toContain('\n3 of 16 tasks failed.\n');
    expect(here.filesLeft()).toEqual([]);
  });

  test('a node that dies while it works, without minNodes: the run ends with 4 and says what was lost', async ({
    here,
  }) => {
    here.write('m.json', manifest({ cluster: { nodes: 3, vcpus: 2 } }, { list: GATED }));
    const started = here.start(['m.json']);
    await loseNodeTwo(here);
    const ended = await started.ended;

    expect(ended, ended.out + ended.err).toMatchObject({ code: 4, left: [] });
    expect(ended.out).toMatch(/^Too many nodes were lost: 2 left, 3 needed\.$/m);
    expect(ended.out).toMatch(/^Node 2 stopped answering while tasks ran\./m);
    // Its two tasks were not begun anew elsewhere, only to be stopped.
    expect(here.json(`runs/${here.runIds()[0]}/summary.json`)).toMatchObject({ tasks: { succeeded: 14 } });
  });

  test('a fault that makes a run wait shortens the wait, and says so', async ({ here }) => {
    here.write('m.json', manifest({ timeouts: { queue: '6h' } }));
    const started = here.start(['--fault', 'stuck-runnable', 'm.json']);
    await started.prints(/^--fault stuck-runnable: timeouts\.queue is 15 s in this run/m);
    const [, runId = ''] = await started.prints(/^run (\S+)$/m);
    expect(here.json(`runs/${runId}/plan.json`)).toMatchObject({ timeouts: { queueSeconds: 15 } });
    started.signal('SIGTERM');
    expect(await started.ended).toMatchObject({ code: 143, left: [] });
  });
});
