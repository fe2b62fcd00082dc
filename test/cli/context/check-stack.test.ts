import {
  BatchClient,
  DescribeComputeEnvironmentsCommand,
  DescribeJobQueuesCommand,
} from '@aws-sdk/client-batch';
import { mockClient } from 'aws-sdk-client-mock';
import { expect, test } from 'vitest';
import { stackFindings } from '../../../cli/context/check-stack.ts';
import { DEPLOYMENT } from '../../experiment/manifest/planned.ts';

const ENVIRONMENT = 'arn:aws:batch:eu-west-1:111122223333:compute-environment/lab';

/** What is said of the machines of a queue with this in their image's configuration; everything else may not be asked. */
async function machinesWith(...ec2Configuration: { imageType: string; batchImageStatus?: string }[]) {
  const client = new BatchClient({
    region: 'eu-west-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
  });
  const batch = mockClient(client).rejects(refusal());
  batch.on(DescribeJobQueuesCommand).resolves({
    jobQueues: [
      {
        jobQueueName: 'lab',
        jobQueueArn: 'lab',
        priority: 1,
        state: 'ENABLED',
        status: 'VALID',
        computeEnvironmentOrder: [{ order: 1, computeEnvironment: ENVIRONMENT }],
      },
    ],
  });
  batch.on(DescribeComputeEnvironmentsCommand).resolves({
    computeEnvironments: [
      {
        computeEnvironmentName: 'lab',
        computeEnvironmentArn: ENVIRONMENT,
        state: 'ENABLED',
        status: 'VALID',
        computeResources: { type: 'EC2', maxvCpus: 64, subnets: [], ec2Configuration },
      },
    ],
  });
  const refused = { send: () => Promise.reject(refusal()) };
  const port = new Proxy({}, { get: () => () => Promise.reject(refusal()) });
  const clients = {
    sts: refused,
    s3: port,
    states: port,
    batch: client,
    logs: refused,
    ecr: refused,
    sns: refused,
    quotas: refused,
  };
  const queues = { default: { arn: 'lab', maxvCpus: 64 } };
  const stack = { name: 'lab', status: 'UPDATE_COMPLETE', parameters: {}, outputs: {} };
  // Only what is asked for here is answered.
  const findings = await stackFindings(Object(clients), stack, { ...DEPLOYMENT, queues });
  return findings.filter(({ what }) => what.startsWith('the machines of'));
}

function refusal(): Error {
  return Object.assign(new Error('no'), { name: 'AccessDeniedException' });
}

test('machines whose image is older than the newest are noted, with what to do', async () => {
  const old = { imageType: 'ECS_AL2023', batchImageStatus: 'UPDATE_AVAILABLE' };

  expect(await machinesWith(old)).toEqual([
    expect.objectContaining({ state: 'ok' }),
    {
      what: 'the machines of default start from an image (ECS_AL2023) that is not the newest',
      state: 'note',
      todo: `whoever deployed it runs \`aws batch update-compute-environment --compute-environment ${ENVIRONMENT} --compute-resources updateToLatestImageVersion=true\``,
    },
  ]);
});

test.each([[{ imageType: 'ECS_AL2023', batchImageStatus: 'LATEST' }], [{ imageType: 'ECS_AL2023' }]])(
  'an image of which AWS says nothing of the kind is no matter: %j',
  async (configuration) => {
    expect(await machinesWith(configuration)).toEqual([expect.objectContaining({ state: 'ok' })]);
  },
);
