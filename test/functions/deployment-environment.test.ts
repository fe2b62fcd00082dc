import { expect, it } from 'vitest';
import { readDeployment } from '../../functions/deployment-environment.ts';
import { failureOf } from '../support/control-plane.ts';
import { FUNCTION_ENVIRONMENT } from '../support/function-environment.ts';

const reading = async (changed: Record<string, string | undefined>) =>
  readDeployment({ ...FUNCTION_ENVIRONMENT, ...changed });

it('what the template gives is read, and what it leaves out has its default', async () => {
  const queues = { q: { arn: 'a', maxvCpus: 64 }, 'q 2': { arn: 'b', maxvCpus: 1, fairShare: true } };
  expect(
    await reading({
      SIERRA_BATCH_QUEUES: JSON.stringify(queues),
      SIERRA_BATCH_INPUT_BUCKETS: 'one,,two',
      SIERRA_BATCH_INSTANCE_TYPES: 'c6i.4xlarge,c6i',
    }),
  ).toMatchObject({
    queues,
    defaultQueue: 'q',
    inputBuckets: ['one', 'two'],
    instanceTypes: ['c6i.4xlarge', 'c6i'],
    defaults: { vcpus: 2, memoryMiB: 1024 },
    sharedFolder: '/mnt/efs',
    joinPort: 7741,
    sshPort: 22,
  });
});

it.each([
  ['SIERRA_BATCH_BUCKET', undefined, 'must be set'],
  ['SIERRA_BATCH_TOPIC', '', 'must not be empty'],
  ['SIERRA_BATCH_STATE_MACHINE', 'arn:aws:states:x', 'must be the ARN of a state machine'],
  ['SIERRA_BATCH_DEFAULT_VCPUS', undefined, 'must be a whole number from 1 to 10000'],
  ['SIERRA_BATCH_JOIN_PORT', '0', 'must be a whole number from 1 to 65535'],
  ['SIERRA_BATCH_SSH_PORT', '2e1', 'must be a whole number from 1 to 65535'],
  ['SIERRA_BATCH_QUEUES', '{"q":', 'must be JSON such as'],
  ['SIERRA_BATCH_QUEUES', '{}', 'must be JSON such as'],
  ['SIERRA_BATCH_QUEUES', '[{"arn":"a","maxvCpus":1}]', 'must be JSON such as'],
  ['SIERRA_BATCH_QUEUES', '{"q":{"arn":"a","maxvCpus":0}}', 'must be JSON such as'],
  ['SIERRA_BATCH_QUEUES', '{"q":{"arn":"a","maxvCpus":1,"fairshare":true}}', 'must be JSON such as'],
  ['SIERRA_BATCH_DEFAULT_QUEUE', 'other', 'is not one of SIERRA_BATCH_QUEUES'],
])('%s as %s is told', async (name, value, said) => {
  const { message } = await failureOf(reading({ [name]: value }));
  expect(message.split('\n').slice(1)).toEqual([expect.stringContaining(`  ${name} ${said}`)]);
});
