import type { Price } from '../../experiment/deployment/price.ts';
import type { ByParameter } from '../../experiment/diagnosis/by-parameter.ts';
import type { Plan } from '../../experiment/plan/plan.ts';
import type { Load } from '../../experiment/records/load.ts';
import type { NodeRecord } from '../../experiment/records/nodes.ts';
import type { OpenTry, Progress } from '../../experiment/records/progress.ts';
import type { Status } from '../../experiment/records/status.ts';
import type { SummarySoFar } from '../../experiment/records/summary.ts';
import type { TaskTable } from '../../experiment/results/task-table.ts';
import type { TaskParameters } from '../tasks/parameters.ts';
import type { ReportImages } from './images.ts';

/** All that a report shows. Every text in it may come from a user and is escaped where it is shown. */
export interface ReportInput {
  /** What the run came to, or has come to so far. */
  summary: SummarySoFar;
  /** Each state of each attempt with the time it was entered, in their order; empty where no status was ever written. */
  history: readonly (Status['history'][number] & { attempt?: number })[];
  nodes: readonly NodeRecord[];
  /** Of nodes over time; absent where nothing was heard. */
  load?: Load | undefined;
  tasks: TaskTable;
  /** Failed tasks whose own output is in the bucket, as far as it was read. */
  outputOf?: ReadonlySet<number> | undefined;
  /** The manifest as dropped. */
  manifest: string;
  run: {
    name: string;
    /** The object that was dropped: `manifests/speed-sweep.yaml`. */
    manifestKey: string;
    bucket: string;
    fanout: string;
    /** vCPUs and memory of one node, and its tasks at once. */
    vcpus: number;
    memoryMiB: number;
    slots: number;
    threadsPerTask?: number | undefined;
    nodes: number;
    image?: string | undefined;
    instanceType?: string | undefined;
    /** Of a node; absent where the plan is older than prices. */
    price?: Price | undefined;
    /** The run that this one went on with. */
    resume?: string | undefined;
  };
  /** When its last attempt began, in milliseconds since the epoch; absent where it was the first. */
  attemptStart?: number | undefined;
  /** Tries without a row. */
  open?: readonly OpenTry[] | undefined;
  /** What the tasks show by parameter; absent where they have none. */
  byParameter?: ByParameter | undefined;
  /** Of the tasks that the table holds; absent where they are not known. */
  parameters?: TaskParameters | undefined;
  /** Pictures among the outputs. */
  images?: ReportImages | undefined;
  /** Of a run that goes on: the page is followed by whoever serves it. */
  live?: { progress: Progress | undefined; origin: number | undefined } | undefined;
  /** When the report was made, in milliseconds since the epoch. */
  madeAt: number;
}

/** What a report says of a plan. */
export function describePlan({ cluster, source, ...plan }: Plan): ReportInput['run'] {
  return {
    name: plan.name,
    manifestKey: source.key,
    bucket: source.bucket,
    fanout: plan.fanout,
    vcpus: cluster.vcpus,
    memoryMiB: cluster.memoryMiB,
    slots: plan.slots,
    threadsPerTask: plan.threadsPerTask,
    nodes: cluster.nodes,
    image: cluster.image,
    instanceType: cluster.instanceType,
    price: plan.price,
    resume: plan.resume,
  };
}
