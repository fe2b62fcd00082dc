import type { Price } from '../../experiment/deployment/price.ts';
import type { ByParameter } from '../../experiment/diagnosis/by-parameter.ts';
import type { NodeRecord } from '../../experiment/records/nodes.ts';
import type { OpenTry } from '../../experiment/records/progress.ts';
import type { Status } from '../../experiment/records/status.ts';
import type { Summary } from '../../experiment/records/summary.ts';
import type { TaskTable } from '../../experiment/results/task-table.ts';
import type { ReportImages } from './images.ts';

/** All that a report shows. Every text in it may come from a user and is escaped where it is shown. */
export interface ReportInput {
  summary: Summary;
  /** Each state of each attempt with the time it was entered, in their order; empty where no status was ever written. */
  history: Status['history'];
  nodes: readonly NodeRecord[];
  tasks: TaskTable;
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
  /** Pictures among the outputs. */
  images?: ReportImages | undefined;
  /** When the report was made, in milliseconds since the epoch. */
  madeAt: number;
}
