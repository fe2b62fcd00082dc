import { describe, expect } from 'vitest';
import { manifest, test } from './npm-start.ts';

/** Seconds, where the manifest's limits are seconds; some on a machine that does much else. */
const BOUND_MS = 40_000;

const LIST = Array.from({ length: 16 }, (_, index) => `sleep 0.2; echo ${index + 1}`);

/** What users of AWS Batch meet: exit code, first sentence and what the summary says. */
const MEETS = [
  {
    fault: 'stuck-runnable',
    change: { timeouts: { queue: '2s', run: '60s' } },
    code: 124,
    headline: 'Given up: the machines did not come in time.',
    summary: {
      outcome: 'timed-out',
      exitCode: null,
      why: expect.stringMatching(/INSUFFICIENT_INSTANCE_CAPACITY/),
    },
  },
  {
    fault: 'worker-never-comes',
    change: { timeouts: { join: '5s', run: '60s' } },
    code: 3,
    headline: 'Only 2 of the 3 nodes needed came in time; no task was started.',
    summary: { outcome: 'failed', exitCode: 3, why: expect.stringMatching(/^Node 2 did not report/) },
  },
  {
    fault: 'worker-never-comes',
    change: { timeouts: { join: '5s', run: '60s' }, minNodes: 2 },
    code: 0,
    headline: /^Succeeded: 16 of 16 tasks/,
    summary: { outcome: 'succeeded', nodes: [{}, {}, { index: 2, state: 'never-came', tasks: 0 }] },
  },
  {
    fault: 'failing-task',
    change: {},
    code: 1,
    headline: '3 of 16 tasks failed.',
    summary: {
      outcome: 'failed',
      tasks: { total: 16, succeeded: 13, failed: 3 },
      failures: [
        { count: 3, example: { seq: 1, exitval: 3, stderrTail: expect.stringMatching(/asked to fail/) } },
      ],
    },
  },
  {
    fault: 'event-lost',
    change: {},
    code: 0,
    headline: /^Succeeded: 16 of 16 tasks/,
    summary: { outcome: 'succeeded', exitCode: 0 },
  },
] as const;

describe.concurrent('what users of AWS Batch meet, met here on purpose', { timeout: 120_000 }, () => {
  for (const { fault, change, code, headline, summary } of MEETS) {
    test(`--fault ${fault} ${JSON.stringify(change)} ends with ${code}`, async ({ here }) => {
      here.write('m.json', manifest({ cluster: { nodes: 3, vcpus: 2 }, ...change }, { list: LIST }));
      const ended = await here.run(['--fault', fault, 'm.json']);

      expect(ended, ended.out + ended.err).toMatchObject({ code, left: [] });
      const seen = here.json(`runs/${here.runIds()[0]}/summary.json`) as { headline: string };
      expect(seen).toMatchObject(summary);
      expect(seen.headline).toMatch(headline);
      expect(ended.out).toContain(`\n${seen.headline}\n`);
      expect(ended.ms).toBeLessThan(BOUND_MS);
      expect(here.filesLeft()).toEqual([]);
    });
  }

  // The node dies four seconds after its start; its two tasks are then under way, and at no other time.
  const lasting = Array.from({ length: 16 }, () => 'sleep 1.5');

  test('--fault node-lost: others take its tasks over where minNodes allows it', async ({ here }) => {
    const change = { cluster: { nodes: 3, vcpus: 2 }, minNodes: 2 };
    here.write('m.json', manifest(change, { list: lasting }));
    const ended = await here.run(['--fault', 'node-lost', 'm.json']);

    expect(ended, ended.out + ended.err).toMatchObject({ code: 0, left: [] });
    expect(here.json(`runs/${here.runIds()[0]}/summary.json`)).toMatchObject({
      outcome: 'succeeded',
      tasks: { total: 16, succeeded: 16, failed: 0, lost: 0 },
      nodes: [{}, {}, { index: 2, state: 'lost' }],
    });
    expect(ended.out).toContain('1 node lost on the way, whose tasks others took over');
    expect(ended.ms).toBeLessThan(BOUND_MS);
  });

  test('--fault node-lost: without minNodes the run ends and says so, with what was lost', async ({
    here,
  }) => {
    here.write('m.json', manifest({ cluster: { nodes: 3, vcpus: 2 } }, { list: lasting }));
    const ended = await here.run(['--fault', 'node-lost', 'm.json']);

    expect(ended, ended.out + ended.err).toMatchObject({ code: 4, left: [] });
    expect(ended.out).toMatch(/^Too many nodes were lost: 2 left, 3 needed\.$/m);
    expect(ended.out).toMatch(/^Node 2 stopped answering while tasks ran\./m);
    // Its two tasks were not begun anew elsewhere, only to be stopped.
    expect(here.json(`runs/${here.runIds()[0]}/summary.json`)).toMatchObject({ tasks: { succeeded: 14 } });
    expect(ended.ms).toBeLessThan(BOUND_MS);
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
