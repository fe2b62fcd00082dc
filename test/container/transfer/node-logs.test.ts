import { expect, it } from 'vitest';
import type { S3Port } from '../../../aws/ports.ts';
import { LogTail } from '../../../container/process/log.ts';
import { sendNodeLogs } from '../../../container/transfer/node-logs.ts';
import { VirtualClock } from '../../../local/clock/virtual.ts';
import { memoryS3 } from '../../support/memory-s3.ts';

const REQUEST_MS = 40;

it('a thousand nodes’ logs are sent well within what a run that is told to end has left', async () => {
  const clock = new VirtualClock(0);
  const sent = new Map<string, unknown>();
  const s3: S3Port = {
    ...memoryS3('b'),
    putObject: async ({ Key = '', Body }) => {
      await clock.sleep(REQUEST_MS);
      sent.set(Key, Body);
      return { $metadata: {} };
    },
  };
  const tails = new Map(
    Array.from({ length: 1000 }, (_, index) => {
      const tail = new LogTail();
      tail.add(`node ${index}\n`);
      return [index, tail] as const;
    }),
  );
  let isOver = false;
  const { signal } = new AbortController();
  void sendNodeLogs({ s3, bucket: 'b', runId: 'r', tails, clock, signal, log: () => undefined }).then(() => {
    isOver = true;
  });
  await clock.runUntil(() => isOver, 10 * 60_000);
  expect(sent.size).toBe(1000);
  expect(sent.get('runs/r/logs/nodes/999.log')).toBe('node 999\n');
  expect(clock.now()).toBeLessThan(4000);
});
