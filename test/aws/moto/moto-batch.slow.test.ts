import { BatchClient, CreateComputeEnvironmentCommand, CreateJobQueueCommand } from '@aws-sdk/client-batch';
import { CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { batchPort } from '../../../aws/clients/batch.ts';
import { batchContract } from '../../local/aws/batch/batch-contract.ts';
import { startMoto } from './moto.ts';

// Its jobs are over as soon as they are submitted, and of a multi-node one it knows the definition only: docs/aws-facts.md
batchContract('moto', async () => {
  const moto = await startMoto();
  const settings = {
    endpoint: moto.url,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'k', secretAccessKey: 's' },
  };
  await fetch(`${moto.url}/moto-api/config`, {
    method: 'POST',
    body: JSON.stringify({ batch: { use_docker: false } }),
  });
  const iam = new IAMClient(settings);
  const { Role } = await iam.send(
    new CreateRoleCommand({ RoleName: 'batch', AssumeRolePolicyDocument: '{}' }),
  );
  const batch = new BatchClient(settings);
  const { computeEnvironmentArn = '' } = await batch.send(
    new CreateComputeEnvironmentCommand({
      computeEnvironmentName: 'unmanaged',
      type: 'UNMANAGED',
      state: 'ENABLED',
      serviceRole: Role?.Arn ?? '',
    }),
  );
  const { jobQueueArn = '' } = await batch.send(
    new CreateJobQueueCommand({
      jobQueueName: 'queue',
      priority: 1,
      state: 'ENABLED',
      computeEnvironmentOrder: [{ order: 1, computeEnvironment: computeEnvironmentArn }],
    }),
  );
  return {
    batch: batchPort(batch),
    queue: jobQueueArn,
    finishJobs: async () => undefined,
    close: async () => {
      iam.destroy();
      batch.destroy();
      await moto.close();
    },
  };
}, ['jobs that run', 'names that are refused', 'order', 'shape of a multi-node job']);
