import type { LocalBatchSettings } from '../../local/aws/batch/batch.ts';
import { LocalBatch } from '../../local/aws/batch/batch.ts';
import { SeededRandom } from '../../local/clock/seeded-random.ts';
import { VirtualClock } from '../../local/clock/virtual.ts';
import { fakeNodes } from './fake-nodes.ts';

export const QUEUE = { name: 'q', arn: 'arn:aws:batch:local:000000000000:job-queue/q', maxvCpus: 64 };
export const FAIR_QUEUE = {
  name: 'fair',
  arn: 'arn:aws:batch:local:000000000000:job-queue/fair',
  maxvCpus: 64,
  fairShare: true,
};

/** Our Batch in virtual time with a queue of either kind, over nodes that end when they are told to. @param from milliseconds since the epoch */
export function virtualBatch(
  options: { ignoreTerm?: boolean } & Partial<LocalBatchSettings> = {},
  from = Date.parse('2026-01-01T00:00:00Z'),
) {
  const clock = new VirtualClock(from);
  const fake = fakeNodes(options);
  const batch = new LocalBatch({
    clock,
    nonce: new SeededRandom(1).nonce,
    region: 'local',
    account: '000000000000',
    queues: [QUEUE, FAIR_QUEUE],
    startNode: fake.startNode,
    ...options,
  });
  return { clock, batch, ...fake };
}
