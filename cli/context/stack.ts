import type { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import * as z from 'zod';
import type { Deployment } from '../../experiment/deployment/deployment.ts';
import { CommandFailed } from '../errors/failure.ts';
import type { FoundStack } from './ask-account.ts';
import { findStack } from './ask-account.ts';

const whole = z.coerce.number().int().positive();
const port = whole.max(65_535);

/** The outputs of template.yaml that a command needs. */
const outputs = z.object({
  BucketName: z.string().min(3),
  StateMachineArn: z.string().startsWith('arn:'),
  JobQueueArn: z.string().startsWith('arn:'),
  JobDefinitionArn: z.string().startsWith('arn:'),
  DefaultVcpus: whole,
  DefaultMemoryMiB: whole,
  MaxvCpus: whole,
  SshPort: port,
  JoinPort: port,
  NodeInstanceTypes: z.string().default(''),
  NodePriceUsd: z.coerce.number().positive().optional().catch(undefined),
  OtherInputBuckets: z.string().default(''),
  Queues: z.string().default('none'),
  JobLogGroup: z.string().optional(),
});

const moreQueues = z.record(
  z.string(),
  z.object({ arn: z.string(), maxvCpus: z.number(), fairShare: z.boolean().optional() }),
);

/** What the template gives the functions and no output tells. */
const SHARED_FOLDER = '/mnt/efs';

/** A stack that is there. */
export type DescribedStack = FoundStack & { name: string };

/** @throws CommandFailed for no such stack */
export async function describeStack(
  formation: Pick<CloudFormationClient, 'send'>,
  name: string,
): Promise<DescribedStack> {
  const found = await findStack(formation, name);
  if (found !== undefined) return { name, ...found };
  throw new CommandFailed(
    `there is no stack ${name} in this account and region; look at --region and --profile`,
  );
}

/** What a stack has deployed. @throws CommandFailed with every output that is missing or odd, as those of a stack that is not ours */
export function readOutputs(
  stack: string,
  told: Readonly<Record<string, string>>,
): { deployment: Deployment; logGroup?: string } {
  const read = outputs.safeParse(told);
  if (!read.success) {
    const faults = read.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    throw new CommandFailed(
      `the stack ${stack} does not have the outputs of sierra-batch's template.yaml (${faults.join('; ')})`,
    );
  }
  const { data } = read;
  const own = { arn: data.JobQueueArn, maxvCpus: data.MaxvCpus, fairShare: true };
  return {
    deployment: {
      bucket: data.BucketName,
      stateMachineArn: data.StateMachineArn,
      jobDefinition: data.JobDefinitionArn,
      queues: { default: own, ...(data.Queues === 'none' ? {} : namedQueues(stack, data.Queues)) },
      defaultQueue: 'default',
      ...(data.NodeInstanceTypes === '' ? {} : { instanceTypes: data.NodeInstanceTypes.split(',') }),
      nodePrice: data.NodePriceUsd,
      inputBuckets: data.OtherInputBuckets.split(',').filter((name) => name !== ''),
      defaults: { vcpus: data.DefaultVcpus, memoryMiB: data.DefaultMemoryMiB },
      sharedFolder: SHARED_FOLDER,
      joinPort: data.JoinPort,
      sshPort: data.SshPort,
    },
    ...(data.JobLogGroup === undefined ? {} : { logGroup: data.JobLogGroup }),
  };
}

/** The parameter Queues: members of a JSON object without its braces. */
function namedQueues(stack: string, members: string): z.infer<typeof moreQueues> {
  try {
    return moreQueues.parse(JSON.parse(`{${members}}`));
  } catch (error) {
    throw new CommandFailed(`the output Queues of the stack ${stack} cannot be read: ${String(error)}`);
  }
}
