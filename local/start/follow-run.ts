import { join, relative } from 'node:path';
import { Bucket } from '../../aws/bucket.ts';
import { waysToLook } from '../../experiment/diagnosis/next-steps.ts';
import { runKeys } from '../../experiment/layout/bucket-keys.ts';
import { parsePlan } from '../../experiment/plan/plan.ts';
import { EXIT } from '../../experiment/records/exit-code.ts';
import type { Summary } from '../../experiment/records/summary.ts';
import { exitCodeOf } from '../../experiment/records/summary.ts';
import { plainLine } from '../../experiment/text/terminal-codes.ts';
import type { Display } from '../../submission/progress-display.ts';
import { watchRun } from '../../submission/watch-run.ts';
import { realClock } from '../clock/real.ts';
import type { LocalSystem } from '../system/system.ts';
import type { StartOptions } from './options.ts';

/** Shows a run until it has ended. Answers the runner's exit code. */
export async function followRun(
  system: LocalSystem,
  runId: string,
  options: StartOptions,
  display: Display,
): Promise<number> {
  const bucket = new Bucket(system.s3, system.bucket, realClock);
  const summary = await watchRun(bucket, runId, { clock: realClock, onView: display.update });
  display.end();
  if (summary === undefined) return EXIT.terminated;
  await tell(summary, bucket, options, display);
  return exitCodeOf(summary);
}

async function tell(
  summary: Summary,
  bucket: Bucket,
  { folder, from }: StartOptions,
  display: Display,
): Promise<void> {
  const { runId, outcome, headline, why, next } = summary;
  const keys = runKeys(runId);
  const shown = (key: string) => relative(from, join(folder, 'bucket', key));
  // The sentences name keys of the bucket; here they are files.
  const sentence = (text: string) => {
    if (text !== '') display.say(plainLine(text.replaceAll(`\`${keys.folder}`, `\`${shown(keys.folder)}/`)));
  };
  display.say('');
  sentence(headline);
  sentence(why);
  // After a success it would only repeat the two lines below.
  if (outcome !== 'succeeded') sentence(next);
  display.say('');
  display.say(`report   ${shown(keys.report)}`);
  if ((await bucket.head(keys.outputIndex)) !== undefined) display.say(`outputs  ${shown(keys.outputs)}`);
  const plan = parsePlan((await bucket.read(keys.plan))?.text);
  for (const line of waysToLook(summary, plan?.keepOutput)) display.say(line);
}
