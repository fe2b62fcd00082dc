import * as z from 'zod';
import type { Deployment } from '../experiment/deployment/deployment.ts';
import { parsedJson } from '../experiment/util/parse-json.ts';

/** Something is wrong with the variables that the template gives the functions. */
export class BadEnvironment extends Error {
  override readonly name = 'BadEnvironment';
}

/** Reads what the deployment gives its runs. Pure. @throws BadEnvironment with every fault at once */
export function readDeployment(variables: Readonly<Record<string, string | undefined>>): Deployment {
  const { data, error } = environment.safeParse(variables);
  if (error !== undefined) {
    const faults = error.issues.map(({ path, message }) => `  ${path.join('.')} ${message}`);
    throw new BadEnvironment(
      `the environment of this function is wrong; deploy again with the template as it is:\n${faults.join('\n')}`,
    );
  }
  return {
    bucket: data.SIERRA_BATCH_BUCKET,
    stateMachineArn: data.SIERRA_BATCH_STATE_MACHINE,
    jobDefinition: data.SIERRA_BATCH_JOB_DEFINITION,
    topicArn: data.SIERRA_BATCH_TOPIC,
    queues: data.SIERRA_BATCH_QUEUES,
    defaultQueue: data.SIERRA_BATCH_DEFAULT_QUEUE,
    inputBuckets: data.SIERRA_BATCH_INPUT_BUCKETS,
    ...(data.SIERRA_BATCH_INSTANCE_TYPES.length === 0
      ? {}
      : { instanceTypes: data.SIERRA_BATCH_INSTANCE_TYPES }),
    nodePrice: data.SIERRA_BATCH_NODE_PRICE,
    defaults: { vcpus: data.SIERRA_BATCH_DEFAULT_VCPUS, memoryMiB: data.SIERRA_BATCH_DEFAULT_MEMORY_MIB },
    sharedFolder: data.SIERRA_BATCH_SHARED,
    joinPort: data.SIERRA_BATCH_JOIN_PORT,
    sshPort: data.SIERRA_BATCH_SSH_PORT,
  };
}

const text = z.string('must be set').min(1, 'must not be empty');

const list = z
  .string()
  .default('')
  .transform((value) => value.split(',').filter((each) => each !== ''));

const whole = (max: number, otherwise = '') =>
  z
    .string()
    .default(otherwise)
    .refine(
      (value) => /^\d+$/.test(value) && Number(value) >= 1 && Number(value) <= max,
      `must be a whole number from 1 to ${max}`,
    )
    .transform(Number);

const nodePrice = z
  .string()
  .default('unknown')
  .refine((value) => /^(unknown|\d+(\.\d+)?)$/.test(value), 'must be USD an hour, or unknown')
  .transform((value) => (value === 'unknown' ? undefined : Number(value)));

const queue = z.strictObject({
  arn: z.string(),
  maxvCpus: z.int().min(1),
  fairShare: z.boolean().optional(),
});
const queuesByName = z.record(z.string(), queue).refine((queues) => Object.keys(queues).length > 0);

const queues = text.transform((value, context) => {
  const parsed = queuesByName.safeParse(parsedJson(value));
  if (parsed.success) return parsed.data;
  context.addIssue('must be JSON such as {"default":{"arn":"…","maxvCpus":256}}');
  return z.NEVER;
});

const environment = z
  .object({
    SIERRA_BATCH_BUCKET: text,
    SIERRA_BATCH_STATE_MACHINE: text.refine(
      (arn) => arn.includes(':stateMachine:'),
      'must be the ARN of a state machine',
    ),
    SIERRA_BATCH_JOB_DEFINITION: text,
    SIERRA_BATCH_TOPIC: text,
    SIERRA_BATCH_QUEUES: queues,
    SIERRA_BATCH_DEFAULT_QUEUE: text,
    SIERRA_BATCH_INPUT_BUCKETS: list,
    SIERRA_BATCH_INSTANCE_TYPES: list,
    SIERRA_BATCH_NODE_PRICE: nodePrice,
    SIERRA_BATCH_DEFAULT_VCPUS: whole(10_000),
    SIERRA_BATCH_DEFAULT_MEMORY_MIB: whole(100_000_000),
    SIERRA_BATCH_SHARED: z.string().default('/mnt/efs'),
    SIERRA_BATCH_JOIN_PORT: whole(65_535, '7741'),
    SIERRA_BATCH_SSH_PORT: whole(65_535, '22'),
  })
  .refine((given) => given.SIERRA_BATCH_QUEUES[given.SIERRA_BATCH_DEFAULT_QUEUE] !== undefined, {
    path: ['SIERRA_BATCH_DEFAULT_QUEUE'],
    error: 'is not one of SIERRA_BATCH_QUEUES',
  });
