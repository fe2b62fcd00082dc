import type {
  ContainerOverrides,
  ContainerProperties,
  KeyValuePair,
  ResourceRequirement,
  SubmitJobCommandInput,
} from '@aws-sdk/client-batch';
import { clientError, TYPES_OF_A_RANGE } from './client-error.ts';
import type { JobDefinition } from './job-definition.ts';
import { parseNodeRange, rangeOfNode } from './node-ranges.ts';
import { checkRetryStrategy, checkTags, checkTimeout, NAME } from './request-limits.ts';

/** One node as a request and its definition describe it together. */
interface NodeRequest {
  image: string;
  command: readonly string[];
  environment: Readonly<Record<string, string>>;
  vcpus: number;
  memoryMiB: number;
}

export interface JobRequest {
  numNodes: number;
  mainNode: number;
  nodes: readonly NodeRequest[];
}

const MAX_BYTES = 30 * 1024;

/** What SubmitJob makes of a request: the definition with the overrides laid over it. @throws ClientException */
export function resolveJobRequest(input: SubmitJobCommandInput, definition: JobDefinition): JobRequest {
  if (!NAME.test(input.jobName ?? ''))
    throw clientError('jobName: up to 128 letters, digits, hyphens and underscores');
  if (Buffer.byteLength(JSON.stringify(input)) > MAX_BYTES)
    throw clientError('Job request is larger than 30 KiB');
  if (input.containerOverrides !== undefined)
    throw clientError('containerOverrides: not for multi-node jobs, use nodeOverrides');
  checkRetryStrategy(input.retryStrategy);
  checkTimeout(input.timeout);
  checkTags(input.tags);

  const ranges = definition.nodes.nodeRangeProperties ?? [];
  const targets = ranges.map((range) => range.targetNodes ?? '');
  const overrides = input.nodeOverrides?.nodePropertyOverrides ?? [];
  for (const { targetNodes, instanceTypes } of overrides) {
    if (instanceTypes !== undefined) throw clientError(TYPES_OF_A_RANGE);
    if (!targets.includes(targetNodes ?? ''))
      throw clientError('NodeOverride targets should match job definition');
  }
  const numNodes = input.nodeOverrides?.numNodes ?? definition.nodes.numNodes ?? 0;
  const mainNode = definition.nodes.mainNode ?? 0;
  const parsed = targets.map(parseNodeRange);
  if (
    numNodes !== definition.nodes.numNodes &&
    !parsed.some((range) => range.to === Number.POSITIVE_INFINITY)
  ) {
    throw clientError('overriding numNodes needs an open node range');
  }
  if (numNodes < 1 || numNodes > 1000 || mainNode >= numNodes)
    throw clientError('numNodes: 1 to 1,000, main node included');
  const nodes = Array.from({ length: numNodes }, (_, node) => {
    const range = rangeOfNode(parsed, node);
    const override = overrides.find((each) => each.targetNodes === targets[range])?.containerOverrides;
    return resolveNode(ranges[range]?.container, override);
  });
  return { numNodes, mainNode, nodes };
}

function resolveNode(
  container: ContainerProperties | undefined,
  override: ContainerOverrides | undefined,
): NodeRequest {
  const requirements = new Map<string, string>();
  for (const { type, value } of [
    ...(container?.resourceRequirements ?? []),
    ...(override?.resourceRequirements ?? []),
  ] satisfies ResourceRequirement[]) {
    requirements.set(type ?? '', value ?? '');
  }
  const environment = { ...toRecord(container?.environment), ...toRecord(override?.environment) };
  const reserved = Object.keys(environment).find((name) => name.startsWith('AWS_BATCH_'));
  if (reserved !== undefined) throw clientError(`the environment name ${reserved} is reserved`);
  return {
    image: container?.image ?? '',
    command: override?.command ?? container?.command ?? [],
    environment,
    vcpus: positive(requirements, 'VCPU'),
    memoryMiB: positive(requirements, 'MEMORY'),
  };
}

function toRecord(pairs: readonly KeyValuePair[] | undefined): Record<string, string> {
  return Object.fromEntries((pairs ?? []).map(({ name, value }) => [name ?? '', value ?? '']));
}

function positive(requirements: ReadonlyMap<string, string>, type: string): number {
  const value = Number(requirements.get(type));
  if (!(value > 0)) throw clientError(`resourceRequirements: ${type} must be given`);
  return value;
}
