import type { Progress } from './runner-records.ts';
import type { RunState, Status } from './status.ts';
import type { Summary } from './summary.ts';
import { isOutcome } from './summary.ts';

/** One run in a list of runs: the same facts on the page of runs and in a terminal. Times are ISO 8601 in UTC. */
export interface RunRow {
  runId: string;
  /** As in the manifest. */
  name: string;
  state: RunState;
  headline: string;
  /** When the manifest was accepted. */
  at: string;
  /** Absent while the run goes on. */
  endedAt?: string;
  tasks?: { total: number; succeeded: number; failed: number };
  nodes?: number;
  nodeHours?: number;
}

/** What a run's own records say of it; the summary is there once it has ended, node 0's progress while it runs. */
export function runRow(
  status: Pick<Status, 'runId' | 'state' | 'headline' | 'history'>,
  known: {
    summary?: Pick<Summary, 'tasks' | 'nodes' | 'nodeHours'> | undefined;
    progress?: Pick<Progress, 'tasks' | 'nodes' | 'nodeHours'> | undefined;
    /** Nodes asked for, where it is known better than from the records. */
    nodes?: number | undefined;
  } = {},
): RunRow {
  const { runId, state, headline, history } = status;
  const source = known.summary ?? known.progress;
  const nodes = known.nodes ?? known.progress?.nodes.expected ?? known.summary?.nodes.length;
  const endedAt = isOutcome(state) ? history.at(-1)?.at : undefined;
  return {
    runId,
    name: runId.replace(/-[0-9a-f]{11}$/, ''),
    state,
    headline,
    at: history[0]?.at ?? '',
    ...(endedAt === undefined ? {} : { endedAt }),
    ...(source === undefined || source.tasks.total === 0
      ? {}
      : {
          tasks: {
            total: source.tasks.total,
            succeeded: source.tasks.succeeded,
            failed: source.tasks.failed,
          },
        }),
    ...(nodes === undefined || nodes === 0 ? {} : { nodes }),
    ...(source === undefined ? {} : { nodeHours: source.nodeHours }),
  };
}
