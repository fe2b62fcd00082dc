import type { Command } from '@commander-js/extra-typings';
import { InvalidArgumentError } from '@commander-js/extra-typings';
import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import { EXIT } from '../../../experiment/records/exit-code.ts';
import { parseOutputIndex } from '../../../experiment/records/outputs.ts';
import type { ComparedRun, RunDifference } from '../../../experiment/results/compare-runs.ts';
import { compareRuns, isWorse } from '../../../experiment/results/compare-runs.ts';
import type { Version } from '../../../experiment/results/versions.ts';
import { differenceSpoken, parseVersions } from '../../../experiment/results/versions.ts';
import { counted, grouped, spoken } from '../../../experiment/text/numbers.ts';
import { plainLine } from '../../../experiment/text/terminal-codes.ts';
import { example, RUN_NEEDED_HELP, runIdArgument, withSystem } from '../../context/arguments.ts';
import type { Context, Running } from '../../context/context.ts';
import { readRecord } from '../../context/run-store.ts';
import { chosenRun, statusOf } from '../../context/select-run.ts';
import type { Target } from '../../context/target.ts';
import { rowsOf } from './ask-tasks.ts';

/** `sierra-batch diff A B` */
export function defineDiff(program: Command, { begin }: Running): void {
  withSystem(program.command('diff'))
    .summary('compare two runs')
    .description(
      'Holds run B against run A: versions, tasks by their parameters, failures, median seconds, results and outputs. Ends with 1 where B is worse: tasks of A fail or are missing in it, numbers of `results` have moved by more than the tolerance, or outputs are missing.',
    )
    .argument('<a>', RUN_NEEDED_HELP, runIdArgument)
    .argument('<b>', RUN_NEEDED_HELP, runIdArgument)
    .option('--tolerance <share>', 'by how much numbers of results may differ, relative', share, 1e-6)
    .addHelpText('after', example('sierra-batch diff speed-sweep-0123456789a last --tolerance 0.01'))
    .action((a, b, options) => begin(options, (context) => diff(context, [a, b], options.tolerance)));
}

function share(text: string): number {
  const number = Number(text);
  if (text.trim() === '' || !(number >= 0 && number < 1))
    throw new InvalidArgumentError('A share from 0 to below 1 is wanted, such as 0.01.');
  return number;
}

export async function diff(
  context: Context,
  named: readonly [string, string],
  tolerance: number,
): Promise<number> {
  const target = await context.target();
  const [a, b] = [await chosenRun(context, target, named[0]), await chosenRun(context, target, named[1])];
  const [ofA, ofB] = [await readRun(target, a), await readRun(target, b)];
  const found = compareRuns(ofA, ofB, tolerance);
  const versions = ofA.version && ofB.version ? differenceSpoken(ofA.version, ofB.version) : null;
  const worse = isWorse(found);
  if (context.asJson) context.terminal.json({ a, b, versions, ...found, worse });
  else
    for (const [name, text] of told({ a, b, versions }, found))
      context.terminal.say(`${name.padEnd(9)} ${plainLine(text)}`);
  return worse ? EXIT.tasksFailed : EXIT.succeeded;
}

async function readRun(
  target: Target,
  runId: string,
): Promise<ComparedRun & { version: Version | undefined }> {
  await statusOf(target, runId);
  const keys = runKeys(runId);
  const outputs = await readRecord(target.store, keys.outputIndex, parseOutputIndex);
  const versions = await readRecord(target.store, keys.versions, parseVersions);
  return { ...(await rowsOf(target, runId)), outputs: outputs?.files ?? [], version: versions?.at(-1) };
}

function told(
  { a, b, versions }: { a: string; b: string; versions: string | null },
  { tasks, failing, fixed, medianSeconds, results, outputs }: RunDifference,
): [string, string][] {
  const of = ({ count, tasks }: RunDifference['failing']) =>
    count === 0 ? 'none' : `${grouped(count)}, for instance ${tasks.join('; ')}`;
  const seconds = (value: number | null) => (value === null ? 'not known' : spoken(value));
  return [
    ['A', `${a}`],
    ['B', `${b}`],
    ['versions', `${versions === null ? 'not known' : versions === '' ? 'the same' : `other ${versions}`}`],
    [
      'tasks',
      `${grouped(tasks.inBoth)} in both, ${grouped(tasks.onlyInA)} in A alone, ${grouped(tasks.onlyInB)} in B alone`,
    ],
    ['fail now', of(failing)],
    ['fixed', of(fixed)],
    ['median', `${seconds(medianSeconds.a)} in A, ${seconds(medianSeconds.b)} in B`],
    ...results.map(({ column, compared, differ, example }): [string, string] => [
      'results',
      `${column}: ${differ === 0 ? 'the same' : `${grouped(differ)} differ`} of ${counted(compared, 'task')}${example === null ? '' : ` (${example})`}`,
    ]),
    [
      'outputs',
      `${grouped(outputs.same)} the same, ${grouped(outputs.differ)} differ${outputs.differ === 0 ? '' : ` (${outputs.paths.join(', ')})`}, ${grouped(outputs.onlyInA)} in A alone, ${grouped(outputs.onlyInB)} in B alone`,
    ],
  ];
}
