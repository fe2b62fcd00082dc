import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { createInterface } from 'node:readline';
import type { Command } from '@commander-js/extra-typings';
import { inputListKey, runKeys } from '../../../experiment/layout/bucket-keys.ts';
import { manifestFormat, parseManifest } from '../../../experiment/manifest/parse.ts';
import { parsePlan } from '../../../experiment/plan/plan.ts';
import { isOutcome } from '../../../experiment/records/outcome.ts';
import { succeeded } from '../../../experiment/results/joblog.ts';
import type { Edit } from '../../../submission/edit-manifest.ts';
import { editedText } from '../../../submission/edit-manifest.ts';
import { example, RUN_NEEDED_HELP, runIdArgument, withSystem } from '../../context/arguments.ts';
import type { Context, Running } from '../../context/context.ts';
import { readRecord } from '../../context/run-store.ts';
import { destinationOf, liveTarget, statusOf } from '../../context/select-run.ts';
import type { LiveSystem, Target } from '../../context/target.ts';
import { CommandFailed } from '../../errors/failure.ts';
import { tellDropped } from './submit.ts';
import { joblogRows } from './tasks.ts';

/** `sierra-batch resume RUN` */
export function defineResume(program: Command, { begin }: Running): void {
  withSystem(program.command('resume'))
    .summary('go on with a run that has ended')
    .description(
      'Submits the same manifest with `resume:` as a new run, in the same folder: only what is missing or failed runs. Its inputs are those that were sent then: after a change of a program add `resume:` to the manifest yourself and submit it.',
    )
    .argument('<run>', RUN_NEEDED_HELP, runIdArgument)
    .option('--failed-only', 'only the commands that failed, not those that never ran')
    .option('--watch', 'stay and watch the new run')
    .addHelpText('after', example('sierra-batch resume speed-sweep-0123456789a --watch'))
    .action((run, options) => begin(options, (context) => resume(context, run, options)));
}

export async function resume(
  context: Context,
  runId: string,
  options: { failedOnly?: true | undefined; watch?: true | undefined },
): Promise<number> {
  const target = await liveTarget(context);
  const { state } = await statusOf(target, runId);
  if (!isOutcome(state))
    throw new CommandFailed(`the run ${runId} is ${state}: only one that has ended can be gone on with`);
  const { manifest, source, fileName } = await manifestOf(target, runId);
  const goOn: Edit = { path: ['resume'], value: runId };
  const text =
    options.failedOnly === true
      ? await failedOnly(target, runId, editedText(source, [goOn]), fileName)
      : editedText(source, [goOn]);
  const { dropText } = await import('../../../submission/drop-manifest.ts');
  const dropped = await dropText(await destinationOf(context, target), fileName, manifest.name, text);
  if (!context.asJson && (manifest.inputs ?? []).length > 0)
    context.terminal.remark(
      `Its inputs are those sent for ${runId}. For changed ones add \`resume: ${runId}\` to the manifest and submit that.`,
    );
  return tellDropped(context, target, dropped, options);
}

/** What was dropped for a run, and the name it had. */
async function manifestOf(target: Target, runId: string) {
  const keys = runKeys(runId);
  const [text, plan] = await Promise.all([
    target.store.text(keys.manifest),
    readRecord(target.store, keys.plan, parsePlan),
  ]);
  if (text === undefined || plan === undefined)
    throw new CommandFailed(`the manifest of the run ${runId} is not in ${target.name} any more`);
  const fileName = basename(plan.source.key);
  const parsed = parseManifest(Buffer.from(text), manifestFormat(fileName));
  if (!parsed.ok)
    throw new CommandFailed(`the manifest of the run ${runId} is of another version: submit it anew`);
  return { ...parsed, fileName };
}

/** The manifest with a list of only the commands that failed. */
async function failedOnly(
  target: Target & { live: LiveSystem },
  runId: string,
  text: string,
  fileName: string,
): Promise<string> {
  const format = manifestFormat(fileName);
  const parsed = parseManifest(Buffer.from(text), format);
  if (!parsed.ok || parsed.manifest.run.commands === undefined)
    throw new CommandFailed(
      '--failed-only is for lists of commands: SIERRA itself knows which of its runs to repeat',
    );
  const list = await failedCommands(target, runId);
  const body = `${list.join('\n')}\n`;
  const key = inputListKey(createHash('sha256').update(body).digest('hex'));
  const bucket = await target.live.bucket();
  await bucket.write(key, body, 'text/plain');
  const commands = { file: `s3://${bucket.name}/${key}` };
  return editedText(parsed.source, [{ path: ['run', 'commands'], value: commands }]);
}

/**
 * Node 0 passes over a task whose row in the old joblog is a success with the same number and command. Of a new list the
 * numbers mean other tasks, so a command that stands where the same one has succeeded is told apart by a blank.
 */
async function failedCommands(target: Target, runId: string): Promise<string[]> {
  const failed = new Map<number, string>();
  const done = new Map<number, string>();
  for await (const row of await joblogRows(target, runId)) {
    if (succeeded(row)) done.set(row.seq, row.command);
    else failed.set(row.seq, row.command);
  }
  if (failed.size === 0) throw new CommandFailed(`no task of the run ${runId} has failed`);
  const frozen = await target.store.stream(runKeys(runId).commands);
  if (frozen !== undefined) {
    let seq = 0;
    for await (const line of createInterface({ input: frozen })) {
      seq += 1;
      if (failed.has(seq)) failed.set(seq, line);
    }
  }
  return [...failed]
    .toSorted(([a], [b]) => a - b)
    .map(([, command], index) => (done.get(index + 1) === command ? `${command} ` : command));
}
