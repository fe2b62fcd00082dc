import { expect, test } from 'vitest';
import { countedCloud } from '../worlds/counting/counted-cloud.ts';

const MANIFESTS = 1000;

test('a thousand manifests at once, ten functions and fifty submissions a second: all start, none twice, all end well', async () => {
  const cloud = await countedCloud({ concurrency: 10, submitsPerSecond: 50, runSeconds: 60, outputs: 0 });
  const names = Array.from({ length: MANIFESTS }, (_, index) => `m${index}`);
  for (const name of names)
    await cloud.drop(
      name,
      `apiVersion: sierra-batch/v1\nname: ${name}\ncluster: {nodes: 1}\nrun: {commands: {list: [a]}}\n`,
    );
  const ended = () => cloud.executions().filter(({ status }) => status !== 'RUNNING');

  expect(await cloud.clock.runUntil(() => ended().length === MANIFESTS, 6 * 3_600_000)).toBe(true);

  expect(ended().filter(({ status }) => status !== 'SUCCEEDED')).toEqual([]);
  const started = cloud.jobs().map(({ name }) => name.replace(/-[0-9a-f]{11}$/, ''));
  expect(started.toSorted()).toEqual(names.toSorted());
  expect(cloud.counts.of('event given up')).toBe(0);
  expect(cloud.deadLetters()).toEqual([]);
  // The limits were felt.
  expect(cloud.counts.of('refused invocation')).toBeGreaterThan(100);
});
