import type { NodeProperties, RegisterJobDefinitionCommandInput } from '@aws-sdk/client-batch';
import { clientError, TYPES_OF_A_RANGE } from './client-error.ts';
import { parseNodeRange, rangeOfNode } from './node-ranges.ts';
import { checkRetryStrategy, checkTimeout, NAME } from './request-limits.ts';

/** A registered multi-node job definition. */
export interface JobDefinition {
  arn: string;
  name: string;
  revision: number;
  nodes: NodeProperties;
  input: RegisterJobDefinitionCommandInput;
}

const MAX_BYTES = 24 * 1024;

/** Checks what RegisterJobDefinition checks of a multi-node definition. @throws ClientException */
export function checkJobDefinition(input: RegisterJobDefinitionCommandInput): NodeProperties {
  if (!NAME.test(input.jobDefinitionName ?? ''))
    throw clientError('jobDefinitionName: up to 128 letters, digits, hyphens and underscores');
  if (input.type !== 'multinode') throw clientError('the local Batch runs only multinode definitions');
  if (Buffer.byteLength(JSON.stringify(input)) > MAX_BYTES)
    throw clientError('Job definition is larger than 24 KiB');
  const nodes = input.nodeProperties;
  const ranges = nodes?.nodeRangeProperties ?? [];
  if (nodes?.numNodes === undefined || nodes.mainNode === undefined)
    throw clientError('nodeProperties needs numNodes and mainNode');
  if (ranges.length === 0 || ranges.length > 5) throw clientError('nodeRangeProperties: 1 to 5 ranges');
  if (nodes.mainNode < 0 || nodes.mainNode >= nodes.numNodes)
    throw clientError('mainNode must be a node of the job');
  const parsed = ranges.map((range) => parseNodeRange(range.targetNodes ?? ''));
  for (let node = 0; node < nodes.numNodes; node += 1) rangeOfNode(parsed, node);
  if (ranges.some((range) => range.container?.image === undefined))
    throw clientError('every node range needs a container with an image');
  if (ranges.some(({ instanceTypes }) => instanceTypes !== undefined)) throw clientError(TYPES_OF_A_RANGE);
  checkRetryStrategy(input.retryStrategy);
  checkTimeout(input.timeout);
  return nodes;
}
