import { expect, test } from 'vitest';
import { readOutputs } from '../../../cli/context/stack.ts';

const OUTPUTS = {
  BucketName: 'lab-bucket',
  StateMachineArn: 'arn:aws:states:eu-west-1:111122223333:stateMachine:lab-experiment',
  JobQueueArn: 'arn:aws:batch:eu-west-1:111122223333:job-queue/lab',
  JobDefinitionArn: 'arn:aws:batch:eu-west-1:111122223333:job-definition/lab:3',
  DefaultVcpus: '16',
  DefaultMemoryMiB: '28672',
  MaxvCpus: '256',
  SshPort: '2200',
  JoinPort: '7800',
  NodeInstanceTypes: 'c6i.4xlarge,c6i',
  OtherInputBuckets: 'one,two',
  Queues: '"gpu":{"arn":"arn:aws:batch:eu-west-1:111122223333:job-queue/gpu","maxvCpus":64}',
  JobLogGroup: 'lab-nodes',
};

test('the outputs of a stack tell what it has deployed', () => {
  expect(readOutputs('lab', OUTPUTS)).toMatchObject({
    deployment: {
      bucket: 'lab-bucket',
      queues: { default: { maxvCpus: 256, fairShare: true }, gpu: { maxvCpus: 64 } },
      instanceTypes: ['c6i.4xlarge', 'c6i'],
      inputBuckets: ['one', 'two'],
      defaults: { vcpus: 16, memoryMiB: 28_672 },
      sshPort: 2200,
      joinPort: 7800,
    },
    logGroup: 'lab-nodes',
  });
});

test('a stack of something else is told as such, with every output that is missing', () => {
  const { BucketName: _, DefaultVcpus: __, ...others } = OUTPUTS;
  expect(() => readOutputs('web', others)).toThrow(
    /the stack web does not have the outputs .*BucketName.*DefaultVcpus/,
  );
});
