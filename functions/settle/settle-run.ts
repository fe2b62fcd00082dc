import { messageOf, nameOf } from '../../aws/errors.ts';
import type { RunView } from '../../experiment/run/next-step.ts';
import { collectRun } from '../collect/records.ts';
import type { CountedEvent, FunctionDeps } from '../deps.ts';
import { hasUntold, newsOf, tellRun } from '../notify/notify.ts';
import type { Standing, Visit } from './advance-run.ts';
import { advance, visitRun } from './advance-run.ts';

/** Results are written, then told, then the run is closed; a run whose end is decided anew begins there once more. */
const MAX_ROUNDS = 6;

/**
 * Settles one run: moves it on as far as it goes, and only then writes down what was seen, what it came to, and tells it.
 * None of these holds up an end: what fails there is logged and counted, and tried again at the next look.
 * @param jobIds of jobs that somebody named: each is looked at, none is believed
 * @returns the last look, or undefined where there is no such run
 * @throws what moving it on throws
 */
export async function settleRun(
  deps: FunctionDeps,
  runId: string,
  jobIds: readonly string[] = [],
): Promise<RunView | undefined> {
  const visit = visitRun(deps, runId, jobIds);
  let standing = await advance(visit);
  if (standing !== undefined) standing = await conclude(visit, standing);
  return standing?.view;
}

/** Writes down, collects and tells what is due, and moves the run on from there. @returns how it stands then */
export async function conclude(visit: Visit, standing: Standing): Promise<Standing> {
  let now = standing;
  for (let round = 1; round <= MAX_ROUNDS; round += 1) {
    if (!(await report(visit, now))) return now;
    now = (await advance(visit)) ?? now;
  }
  return now;
}

/** @returns whether the run may go on from there */
async function report(visit: Visit, { view, step }: Standing): Promise<boolean> {
  const { deps, runId, stores, seen } = visit;
  // Another copy may close a run between a look and this: what was written into its status since, only this one tells.
  const isClosed = view.control.closedAt !== undefined;
  if (step.do === 'close' || (isClosed && !visit.hasWritten)) return false;
  const quietly = <Done>(event: string, counted: CountedEvent, work: () => Promise<Done>) =>
    work().catch((error: unknown) => {
      deps.metrics.count(counted);
      deps.logger.error(event, { runId, error: nameOf(error), said: messageOf(error) });
      return undefined;
    });
  const observed = isClosed
    ? undefined
    : await quietly('Run:NotObserved', 'FunctionFailed', () => stores.records.observe(seen));
  visit.hasWritten ||= observed !== undefined;
  if (step.do === 'collect')
    return (await quietly('Run:NotCollected', 'FunctionFailed', () => collectRun(deps, runId))) !== undefined;
  // What a status that could not be written holds is told all the same: the run may be closed after this.
  const status =
    observed ?? (await quietly('Run:NotObserved', 'FunctionFailed', () => stores.records.status()));
  const news = newsOf(view, status);
  if (!hasUntold(deps, news)) return false;
  const isTold = await quietly('Run:NotTold', 'NotTold', () => tellRun(deps, stores, news));
  return isTold === true && step.do === 'tell';
}
