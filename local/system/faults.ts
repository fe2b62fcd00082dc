import type { CapacityHook } from '../aws/batch/capacity.ts';
import type { NodeSpec, StartNode } from '../aws/batch/node-start.ts';
import type { Deliveries } from '../aws/events/bus.ts';

/** What users of AWS Batch meet, to be met here on purpose. */
export const FAULTS = [
  'stuck-runnable',
  'worker-never-comes',
  'failing-task',
  'node-lost',
  'event-lost',
] as const;
export type FaultName = (typeof FAULTS)[number];

export interface Faults {
  deliveries?: Deliveries;
  capacityHook?: CapacityHook;
  aroundNodes?: (start: StartNode) => StartNode;
}

/** How long a worker lives under `node-lost`: long enough to have tasks. */
const LOST_AFTER_MS = 4000;

/**
 * What a fault does to the local system. `failing-task` is not here: it changes the manifest (a task that really fails).
 * @param killNode ends every process of a node at once, as the loss of its host does
 */
export function faultsOf(
  name: FaultName | undefined,
  killNode: (node: string) => Promise<void>,
  later: (ms: number) => Promise<void>,
): Faults {
  switch (name) {
    case 'stuck-runnable':
      return {
        capacityHook: () => ({
          reason:
            'CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - Service cannot fulfill the capacity requested for instance type [c7g.4xlarge]',
          until: new Promise<void>(() => undefined),
        }),
      };
    case 'worker-never-comes':
      return { aroundNodes: (start) => (spec) => (isLastWorker(spec) ? start(silent(spec)) : start(spec)) };
    case 'node-lost':
      return {
        aroundNodes: (start) => async (spec) => {
          const node = await start(spec);
          if (isLastWorker(spec) && spec.attempt === 1)
            void later(LOST_AFTER_MS).then(() => killNode(`${spec.jobId}-${spec.attempt}-${spec.index}`));
          return node;
        },
      };
    case 'event-lost':
      // Everything Batch and Step Functions tell is lost; the schedule has to notice.
      return { deliveries: (event) => (event.source === 'aws.s3' ? [0] : []) };
    default:
      return {};
  }
}

function isLastWorker(spec: NodeSpec): boolean {
  return !spec.isMain && spec.index === spec.numNodes - 1;
}

/** A worker that looks for main where nobody listens: its container runs and it never joins. */
function silent(spec: NodeSpec): NodeSpec {
  return {
    ...spec,
    environment: { ...spec.environment, AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS: '127.255.255.254' },
  };
}
