import * as z from 'zod';
import type { Deployment } from '../experiment/deployment.ts';

/** Something is wrong with the variables that the template gives the functions. */
export class BadEnvironment extends Error {
  override readonly name = 'BadEnvironment';
}

const text = z.string({ error: 'must be set' }).min(1, 'must not be empty');
const whole = (most: number, otherwise?: string) =>
  z
    .string({ error: 'must be set' })
    .default(otherwise ?? '')
    .refine((value) => /^\d+$/.test(value) && Number(value) >= 1 && Number(value) <= most, {
      error: `must be a whole number from 1 to ${most}`,
    })
    .transform(Number);

const environment = z.object({
  SIERRA_BATCH_BUCKET: text,
  SIERRA_BATCH_STATE_MACHINE: text.refine((arn) => arn.includes(':stateMachine:'), {
    error: 'must be the ARN of a state machine',
  }),
  SIERRA_BATCH_JOB_DEFINITION: text,
  SIERRA_BATCH_TOPIC: text,
  SIERRA_BATCH_QUEUES: text.transform((value, context) => {
    const queues = z
      .record(
        z.string(),
        z.strictObject({ arn: z.string(), maxvCpus: z.int().min(1), fairShare: z.boolean().optional() }),
      )
      .safeParse(parsedJson(value));
    if (queues.success && Object.keys(queues.data).length > 0) return queues.data;
    context.addIssue({
      code: 'custom',
      message: 'must be JSON such as {"default":{"arn":"…","maxvCpus":256}}',
    });
    return z.NEVER;
  }),
  SIERRA_BATCH_DEFAULT_QUEUE: text,
  SIERRA_BATCH_INPUT_BUCKETS: z
    .string()
    .default('')
    .transform((value) => value.split(',').filter((bucket) => bucket !== '')),
  SIERRA_BATCH_DEFAULT_VCPUS: whole(10_000),
  SIERRA_BATCH_DEFAULT_MEMORY_MIB: whole(100_000_000),
  SIERRA_BATCH_SHARED: z.string().default('/mnt/efs'),
  SIERRA_BATCH_JOIN_PORT: whole(65_535, '7741'),
  SIERRA_BATCH_SSH_PORT: whole(65_535, '22'),
});

/** Reads what the deployment gives its runs. Pure. @throws BadEnvironment with every fault at once */
export function readDeployment(variables: Readonly<Record<string, string | undefined>>): Deployment {
  const read = environment.safeParse(variables);
  if (!read.success)
    throw new BadEnvironment(
      `the environment of this function is wrong; deploy again with the template as it is:\n${read.error.issues
        .map(({ path, message }) => `  ${path.join('.')} ${message}`)
        .join('\n')}`,
    );
  const given = read.data;
  if (given.SIERRA_BATCH_QUEUES[given.SIERRA_BATCH_DEFAULT_QUEUE] === undefined)
    throw new BadEnvironment('SIERRA_BATCH_DEFAULT_QUEUE is not one of SIERRA_BATCH_QUEUES');
  return {
    bucket: given.SIERRA_BATCH_BUCKET,
    stateMachineArn: given.SIERRA_BATCH_STATE_MACHINE,
    jobDefinition: given.SIERRA_BATCH_JOB_DEFINITION,
    topicArn: given.SIERRA_BATCH_TOPIC,
    queues: given.SIERRA_BATCH_QUEUES,
    defaultQueue: given.SIERRA_BATCH_DEFAULT_QUEUE,
    inputBuckets: given.SIERRA_BATCH_INPUT_BUCKETS,
    defaults: {
      vcpus: given.SIERRA_BATCH_DEFAULT_VCPUS,
      memoryMiB: given.SIERRA_BATCH_DEFAULT_MEMORY_MIB,
    },
    sharedFolder: given.SIERRA_BATCH_SHARED,
    joinPort: given.SIERRA_BATCH_JOIN_PORT,
    sshPort: given.SIERRA_BATCH_SSH_PORT,
  };
}

function parsedJson(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return undefined; // The schema says what was expected.
  }
}
