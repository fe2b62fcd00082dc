import { expect, test } from 'vitest';
import { costOfIdling, costOfRun } from '../../scripts/cost/cost.ts';

test('ten nodes for an hour: at most eight transitions, few calls, and next to nothing beside the instances', async () => {
  const { transitions, counts, lines } = await costOfRun({ nodes: 10, hours: 1 });

  expect(transitions).toBeLessThanOrEqual(8);
  expect(counts.of('function SubmitJob')).toBe(1);
  expect(counts.of('invocation of ingest')).toBe(1);
  expect(counts.of('invocation of submit')).toBe(1);
  expect(counts.of('invocation of collect')).toBe(1);
  expect(counts.of('invocation of settle')).toBeLessThanOrEqual(10);
  // Each minute of a live run.
  expect(counts.sum(/^function /)).toBeLessThan(20 * 63);
  // Three records each ten seconds, and what is sent at the end.
  expect(counts.of('node PutObject')).toBeLessThan(1200);
  const cents = 100 * lines.reduce((sum, { usd }) => sum + usd, 0);
  expect(cents).toBeLessThan(5);
});

test('an idle month is a few requests a minute', async () => {
  const { counts, lines } = await costOfIdling(1);

  expect(counts.sum(/^invocation /)).toBe(60);
  expect(counts.sum(/^function /)).toBeLessThanOrEqual(60 * 7);
  expect(counts.sum(/PutObject/)).toBe(0);
  expect(lines.reduce((sum, { usd }) => sum + usd, 0) * 730).toBeLessThan(5);
});
