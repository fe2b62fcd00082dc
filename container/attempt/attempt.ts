import type { Plan } from '../../experiment/plan/plan.ts';
import type { NodeStart, ThisNode } from '../node/node.ts';
import type { EarlySender } from '../outputs/early-sender.ts';
import type { Log } from '../process/log.ts';
import type { RunFolders } from '../storage/run-folders.ts';
import type { FailedOutput } from '../tasks/failed-output.ts';
import type { HeldResults } from '../tasks/results.ts';
import type { Ending } from './end-reason.ts';
import type { ProgressSender } from './progress-sender.ts';
import type { Roster } from './roster.ts';
import type { RunState } from './run-state.ts';

/** What one step of an attempt uses of it, and may touch. */
export type AttemptPart<Names extends keyof Attempt> = Pick<Attempt, Names>;

/** One attempt of a job, as node 0 leads it. Only who leads it has all; a step names what it uses. */
export interface Attempt extends NodeStart {
  plan: Plan;
  folders: RunFolders;
  node: ThisNode;
  ending: Ending;
  roster: Roster;
  state: RunState;
  progress: ProgressSender;
  /** Sends outputs while tasks run. */
  early: EarlySender;
  output: FailedOutput;
  /** What the manifest names under `results`, as far as it is read. */
  held: HeldResults;
  log: Log;
}
