import type { Plan } from '../experiment/plan.ts';
import type { Ending } from './ending.ts';
import type { Log } from './log.ts';
import type { ProgressSender } from './progress.ts';
import type { Roster } from './roster.ts';
import type { RunFolders } from './run-folders.ts';
import type { NodeStart, ThisNode } from './this-node.ts';

/** One attempt of a job, as node 0 leads it: what its steps share. */
export interface Attempt extends NodeStart {
  plan: Plan;
  folders: RunFolders;
  node: ThisNode;
  ending: Ending;
  roster: Roster;
  progress: ProgressSender;
  log: Log;
}
