import { createHash } from 'node:crypto';
import type {
  JobDefinition,
  NodeRangeProperty,
  RegisterJobDefinitionCommandInput,
} from '@aws-sdk/client-batch';
import type { Plan } from '../plan/plan.ts';
import { defined } from '../util/defined.ts';

/** Whether a run needs another job definition than the deployment's: a submission can override neither of these. */
export function needsOwnDefinition({ cluster }: Pick<Plan, 'cluster'>): boolean {
  return cluster.image !== undefined || cluster.sharedMemoryMiB !== undefined;
}

/**
 * The deployment's definition with a run's image and shared memory, under a name made from all that it says: the same
 * wish on the same deployment is the same definition, and a deployment that changes makes another one.
 * @param deployed as Batch describes it
 */
export function ownDefinition(
  { cluster }: Pick<Plan, 'cluster'>,
  deployed: JobDefinition,
): RegisterJobDefinitionCommandInput {
  const { nodeProperties, retryStrategy, timeout, platformCapabilities, propagateTags } = deployed;
  const { image, sharedMemoryMiB } = cluster;
  const withWishes = (range: NodeRangeProperty): NodeRangeProperty => ({
    ...range,
    container: {
      ...range.container,
      ...(image === undefined ? {} : { image }),
      ...(sharedMemoryMiB === undefined
        ? {}
        : { linuxParameters: { ...range.container?.linuxParameters, sharedMemorySize: sharedMemoryMiB } }),
    },
  });
  const content = {
    nodeProperties: {
      numNodes: nodeProperties?.numNodes,
      mainNode: nodeProperties?.mainNode,
      nodeRangeProperties: nodeProperties?.nodeRangeProperties?.map(withWishes),
    },
    ...defined({ retryStrategy, timeout, platformCapabilities, propagateTags }),
  };
  const hash = createHash('sha256').update(inOneOrder(content)).digest('hex').slice(0, 16);
  // Batch takes 128 characters.
  const name = `${(deployed.jobDefinitionName ?? 'node').slice(0, 111)}-${hash}`;
  return { jobDefinitionName: name, type: 'multinode', ...content };
}

/** JSON with keys in order: AWS promises none. */
function inOneOrder(content: object): string {
  return JSON.stringify(content, (_, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1)))
      : value,
  );
}
