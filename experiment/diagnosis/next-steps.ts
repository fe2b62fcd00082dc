import { runKeys } from '../layout/bucket-keys.ts';
import type { Summary } from '../records/summary.ts';
import type { Observed } from './observation.ts';

/** What people can do next, worded once. Text between backticks is something to type or a name to look for. */

const ONLY_REST = 'only what is missing or failed will run';

/** Going on with an ended run by the manifest that it had. */
export function resumeIt({ runId }: Observed): string {
  return `run \`sierra-batch resume ${runId}\`: ${ONLY_REST}`;
}

/** The same where the manifest, or what it sends along, has to change first. */
export function resumeChanged({ runId }: Observed): string {
  return `add \`resume: ${runId}\` to the manifest and submit it again: ${ONLY_REST}`;
}

/** Where either may be. */
export function resumeEither({ runId }: Observed): string {
  return `run \`sierra-batch resume ${runId}\`, or after a change of manifest or inputs submit it with \`resume: ${runId}\`: ${ONLY_REST}`;
}

/** Going on with a run of which all is done but the sending. @param isChanged `outputs` has to be corrected first */
export function resumeToSend({ runId }: Observed, isChanged: boolean): string {
  const how = isChanged
    ? `add \`resume: ${runId}\` to the manifest and submit it again`
    : `run \`sierra-batch resume ${runId}\``;
  return `${how}: no task runs again, and results are only sent`;
}

export function submitAgain(): string {
  return 'submit the manifest again';
}

export function readNodeLog({ runId }: Observed, node = 0): string {
  return `read \`${runKeys(runId).nodeLog(node)}\` in the bucket`;
}

/** After a success, as lines of the terminal: what tasks printed, and the table of tasks. */
export function waysToLook(
  { runId, outcome, tasks }: Pick<Summary, 'runId' | 'outcome' | 'tasks'>,
  keepOutput: 'all' | undefined,
): string[] {
  if (outcome !== 'succeeded' || tasks.total === 0) return [];
  const printed = keepOutput === 'all' ? [`printed  sierra-batch logs ${runId} --task 1`] : [];
  return [...printed, `table    sierra-batch fetch ${runId} --tables .`];
}

export function seeReport({ runId }: Observed): string {
  return `the report (\`${runKeys(runId).report}\`)`;
}
