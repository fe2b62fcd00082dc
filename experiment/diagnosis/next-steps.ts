import { runKeys } from '../layout/bucket-keys.ts';
import type { Observed } from './observation.ts';

/** What people can do next, worded once. Text between backticks is something to type or a name to look for. */

/** Going on with an ended run: only what is missing or failed runs again. */
export function resumeIt({ runId }: Observed): string {
  return `add \`resume: ${runId}\` to the manifest and submit it again: only what is missing or failed will run`;
}

/** Going on with a run of which all is done but the sending. */
export function resumeToSend({ runId }: Observed): string {
  return `add \`resume: ${runId}\` to the manifest and submit it again: nothing is run again, and results are only sent`;
}

export function submitAgain(): string {
  return 'submit the manifest again';
}

export function readNodeLog({ runId }: Observed, node = 0): string {
  return `read \`${runKeys(runId).nodeLog(node)}\` in the bucket`;
}

export function seeReport({ runId }: Observed): string {
  return `the report (\`${runKeys(runId).report}\`)`;
}
