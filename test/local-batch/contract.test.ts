import { BatchClient } from '@aws-sdk/client-batch';
import { BatchInProcess } from '../../local/batch/batch-in-process.ts';
import { loopback } from '../local/loopback.ts';
import type { BatchProvider } from './batch-contract.ts';
import { batchContract } from './batch-contract.ts';
import { QUEUE, virtualBatch } from './virtual-batch.ts';

batchContract('in this process', async () => inProcess());

batchContract('over loopback HTTP', async () => {
  const { batch, ...provider } = inProcess();
  const { server, client: settings } = await loopback({ batch });
  const client = new BatchClient(settings);
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
  const { clock, batch, nodes } = virtualBatch({ queues: [{ ...QUEUE, maxvCpus: 1_000_000 }] });
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
