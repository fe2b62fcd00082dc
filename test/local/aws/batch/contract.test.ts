import { BatchClient } from '@aws-sdk/client-batch';
import { batchPort } from '../../../../aws/clients/batch.ts';
import { loopback } from '../../../support/loopback.ts';
import { QUEUE, virtualBatch } from '../../../support/virtual-batch.ts';
import type { BatchProvider } from './batch-contract.ts';
import { batchContract } from './batch-contract.ts';

batchContract('in this process', async () => inProcess());

batchContract('over loopback HTTP', async () => {
  const { batch, ...provider } = inProcess();
  const { server, client: settings } = await loopback({ batch });
  const client = new BatchClient(settings);
  return {
    ...provider,
    batch: batchPort(client),
    close: async () => {
      client.destroy();
      await server.close();
    },
  };
});

function inProcess(): BatchProvider {
  const { clock, batch, nodes } = virtualBatch({ queues: [{ ...QUEUE, maxvCpus: 1_000_000 }] });
  return {
    batch,
    queue: QUEUE.arn,
    finishJobs: async () => {
      await clock.advance(1000);
      for (const { exit } of nodes.splice(0)) exit({ exitCode: 0 });
      await clock.advance(60_000);
    },
    close: async () => undefined,
  };
}
