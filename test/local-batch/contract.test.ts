import { BatchClient } from '@aws-sdk/client-batch';
import { LocalBatch } from '../../local/batch/batch.ts';
import { BatchInProcess } from '../../local/batch/batch-in-process.ts';
import { startLoopbackServer } from '../../local/http/server.ts';
import { SeededRandom } from '../../local/seeded-random.ts';
import { VirtualClock } from '../../local/virtual-clock.ts';
import { memoryS3 } from '../local/memory-s3.ts';
import { makeMachine } from '../local/states/machine.ts';
import type { BatchProvider } from './batch-contract.ts';
import { batchContract } from './batch-contract.ts';
import { fakeNodes } from './fake-nodes.ts';

const QUEUE = { name: 'q', arn: 'arn:aws:batch:local:000000000000:job-queue/q', maxvCpus: 1_000_000 };

batchContract('in this process', async () => inProcess());

batchContract('over loopback HTTP', async () => {
  const { batch, ...provider } = inProcess();
  const { port: states } = makeMachine({ StartAt: 'End', States: { End: { Type: 'Succeed' } } });
  const server = await startLoopbackServer({
    s3: memoryS3('b'),
    batch,
    states,
    accessKeyId: 'KEY',
    addresses: new Map(),
  });
  const client = new BatchClient({
    endpoint: server.url,
    region: 'local',
    maxAttempts: 1,
    credentials: { accessKeyId: 'KEY', secretAccessKey: 'x' },
  });
  return {
    ...provider,
    batch: client,
    close: async () => {
      client.destroy();
      await server.close();
    },
  };
});

function inProcess(): BatchProvider {
  const clock = new VirtualClock(Date.parse('2026-01-01T00:00:00Z'));
  const { startNode, nodes } = fakeNodes();
  const batch = new LocalBatch({
    clock,
    nonce: new SeededRandom(1).nonce,
    region: 'local',
    account: '000000000000',
    queues: [QUEUE],
    startNode,
  });
  return {
    batch: new BatchInProcess(batch),
    queue: QUEUE.arn,
    finishJobs: async () => {
      await clock.advance(1000);
      for (const { exit } of nodes.splice(0)) exit({ exitCode: 0 });
      await clock.advance(60_000);
    },
    close: async () => undefined,
  };
}
