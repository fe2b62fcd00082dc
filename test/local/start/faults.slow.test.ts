import { describe, expect } from 'vitest';
import { GATED, loseNodeTwo } from './lose-a-node.ts';
import { manifest, test } from './npm-start.ts';

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
    change: { timeouts: { join: '20s', run: '60s' } },
    code: 3,
    headline: 'Only 2 of the 3 nodes needed came in time; no task was started.',
    summary: { outcome: 'failed', exitCode: 3, why: expect.stringMatching(/^Node 2 did not report/) },
  },
  {
    fault: 'worker-never-comes',
    change: { timeouts: { join: '20s', run: '60s' }, minNodes: 2 },
    code: 0,
    headline: /^Succeeded: 16 of 16 tasks/,
    summary: { outcome: 'succeeded', nodes: [{}, {}, { index: 2, state: 'never-came', tasks: 0 }] },
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
      expect(here.filesLeft()).toEqual([]);
    });
  }

  test('a node that dies while it works: others take its tasks over where minNodes allows it', async ({
    here,
  }) => {
    const change = { cluster: { nodes: 3, vcpus: 2 }, minNodes: 2 };
    here.write('m.json', manifest(change, { list: GATED }));
    const started = here.start(['m.json']);
    await loseNodeTwo(here);
    const ended = await started.ended;

    expect(ended, ended.out + ended.err).toMatchObject({ code: 0, left: [] });
    expect(here.json(`runs/${here.runIds()[0]}/summary.json`)).toMatchObject({
      outcome: 'succeeded',
      tasks: { total: 16, succeeded: 16, failed: 0, lost: 0 },
      nodes: [{}, {}, { index: 2, state: 'lost' }],
    });
    expect(ended.out).toMatch(/Node 2 was lost at [\d:]{8} UTC; the others took over its tasks\./);
  });

  test('--fault node-lost: the run outlives it where minNodes allows it', async ({ here }) => {
    const list = Array.from({ length: 30 }, () => 'sleep 1');
    here.write('m.json', manifest({ cluster: { nodes: 3, vcpus: 2 }, minNodes: 2 }, { list }));
    const ended = await here.run(['--fault', 'node-lost', 'm.json']);

    expect(ended, ended.out + ended.err).toMatchObject({ code: 0, left: [] });
    // It dies a while after its start: on a busy machine that may be before it has joined.
    expect(here.json(`runs/${here.runIds()[0]}/summary.json`)).toMatchObject({
      tasks: { total: 30, succeeded: 30 },
      nodes: [{}, {}, { index: 2, state: expect.stringMatching(/^(lost|never-came)$/) }],
    });
  });
});
