import type { Deployment } from '../experiment/deployment/deployment.ts';
import { parsedJson } from '../experiment/util/parse-json.ts';

/** Something is wrong with the variables that the template gives the functions. */
export class BadEnvironment extends Error {
  override readonly name = 'BadEnvironment';
}

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * Reads what the deployment gives its runs. Pure, and without zod: every cold start waits for it, and a schema of it takes
 * longer than all the clients. @throws BadEnvironment with every fault at once
 */
export function readDeployment(variables: Variables): Deployment {
  const faults: string[] = [];
  const instanceTypes = listOf(variables.SIERRA_BATCH_INSTANCE_TYPES);
  const read = reader(variables, (name, what) => faults.push(`  ${name} ${what}`));
  const deployment = {
    bucket: read.text('SIERRA_BATCH_BUCKET'),
    stateMachineArn: read.text('SIERRA_BATCH_STATE_MACHINE', isStateMachine),
    jobDefinition: read.text('SIERRA_BATCH_JOB_DEFINITION'),
    topicArn: read.text('SIERRA_BATCH_TOPIC'),
    queues: read.queues('SIERRA_BATCH_QUEUES'),
    defaultQueue: read.text('SIERRA_BATCH_DEFAULT_QUEUE'),
    inputBuckets: listOf(variables.SIERRA_BATCH_INPUT_BUCKETS),
    ...(instanceTypes.length === 0 ? {} : { instanceTypes }),
    defaults: {
      vcpus: read.whole('SIERRA_BATCH_DEFAULT_VCPUS', 10_000),
      memoryMiB: read.whole('SIERRA_BATCH_DEFAULT_MEMORY_MIB', 100_000_000),
    },
    sharedFolder: variables.SIERRA_BATCH_SHARED ?? '/mnt/efs',
    joinPort: read.whole('SIERRA_BATCH_JOIN_PORT', 65_535, '7741'),
    sshPort: read.whole('SIERRA_BATCH_SSH_PORT', 65_535, '22'),
  };
  if (faults.length === 0 && deployment.queues[deployment.defaultQueue] === undefined)
    faults.push('  SIERRA_BATCH_DEFAULT_QUEUE is not one of SIERRA_BATCH_QUEUES');
  if (faults.length > 0)
    throw new BadEnvironment(
      `the environment of this function is wrong; deploy again with the template as it is:\n${faults.join('\n')}`,
    );
  return deployment;
}

function listOf(value: string | undefined): string[] {
  return (value ?? '').split(',').filter((each) => each !== '');
}

/** How each kind of variable is read; what cannot be is told of, and something stands in for it. */
function reader(variables: Variables, onFault: (name: string, what: string) => void) {
  const text = (name: string, faultOf: (value: string) => string | undefined = () => undefined): string => {
    const value = variables[name];
    const fault = value === undefined ? 'must be set' : value === '' ? 'must not be empty' : faultOf(value);
    if (fault !== undefined) onFault(name, fault);
    return value ?? '';
  };
  const whole = (name: string, most: number, otherwise = ''): number => {
    const value = variables[name] ?? otherwise;
    const number = /^\d+$/.test(value) ? Number(value) : 0;
    if (number < 1 || number > most) onFault(name, `must be a whole number from 1 to ${most}`);
    return number;
  };
  const queues = (name: string): Deployment['queues'] => {
    const value = text(name);
    const given = queuesOf(parsedJson(value));
    if (value !== '' && given === undefined)
      onFault(name, 'must be JSON such as {"default":{"arn":"…","maxvCpus":256}}');
    return given ?? {};
  };
  return { text, whole, queues };
}

function isStateMachine(arn: string): string | undefined {
  return arn.includes(':stateMachine:') ? undefined : 'must be the ARN of a state machine';
}

function queuesOf(value: unknown): Deployment['queues'] | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const queues: Record<string, Deployment['queues'][string]> = {};
  for (const [name, given] of Object.entries(value)) {
    const { arn, maxvCpus, fairShare, ...others } = Object(given);
    if (typeof arn !== 'string' || !Number.isSafeInteger(maxvCpus) || maxvCpus < 1) return undefined;
    if (!['undefined', 'boolean'].includes(typeof fairShare) || Object.keys(others).length > 0)
      return undefined;
    queues[name] = { arn, maxvCpus, ...(fairShare === undefined ? {} : { fairShare }) };
  }
  return Object.keys(queues).length > 0 ? queues : undefined;
}
