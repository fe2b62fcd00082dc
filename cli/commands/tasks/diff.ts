import type { Command } from '@commander-js/extra-typings';
import { InvalidArgumentError } from '@commander-js/extra-typings';
import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import { EXIT } from '../../../experiment/records/exit-code.ts';
import type { OutputFile } from '../../../experiment/records/outputs.ts';
import { parseOutputIndex, parseOutputLine } from '../../../experiment/records/outputs.ts';
import type { ManifestDifference } from '../../../experiment/results/compare/two-manifests.ts';
import { compareManifests } from '../../../experiment/results/compare/two-manifests.ts';
import type { ComparedRun, RunDifference } from '../../../experiment/results/compare/two-runs.ts';
import { compareRuns, isWorse } from '../../../experiment/results/compare/two-runs.ts';
import { firstDifference, isStatistics } from '../../../experiment/results/compare/two-tables.ts';
import type { Version } from '../../../experiment/results/versions.ts';
import { differenceSpoken, parseVersions } from '../../../experiment/results/versions.ts';
import { boundedLines } from '../../../experiment/text/bounded-lines.ts';
import { counted, grouped, spoken } from '../../../experiment/text/numbers.ts';
import { plainLine } from '../../../experiment/text/terminal-codes.ts';
import { example, RUN_NEEDED_HELP, runIdArgument, withSystem } from '../../context/arguments.ts';
import type { Context, Running } from '../../context/context.ts';
import { readRecord } from '../../context/run-store.ts';
import { chosenRun, statusOf } from '../../context/select-run.ts';
import type { Target } from '../../context/target.ts';
import { CommandFailed } from '../../errors/failure.ts';
import { allRows, tableOf } from './task-rows.ts';

/** `sierra-batch diff A B` */
export function defineDiff(program: Command, { begin }: Running): void {
  withSystem(program.command('diff'))
    .summary('compare two runs')
    .description(
      'Holds run B against run A: manifests, versions, tasks by their parameters, failures, median seconds, results and outputs. Ends with 1 where B is worse: tasks of A fail, did not end or are missing in it, numbers of `results` or of SIERRA’s .mean and .stddev have moved by more than the tolerance, or outputs are missing.',
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
  const runs = {
    a,
    b,
    manifests: compareManifests(ofA.manifest, ofB.manifest) ?? null,
    versions: ofA.version && ofB.version ? differenceSpoken(ofA.version, ofB.version) : null,
    statistics: await compareStatistics(target, [ofA, ofB], tolerance),
  };
  const worse = isWorse(found) || runs.statistics.differ > 0;
  if (context.asJson) context.terminal.json({ ...runs, ...found, worse });
  else
    for (const [name, text] of told(runs, found))
      context.terminal.say(`${name.padEnd(10)} ${plainLine(text)}`);
  return worse ? EXIT.tasksFailed : EXIT.succeeded;
}

interface ReadRun extends ComparedRun {
  runId: string;
  manifest: string;
  version: Version | undefined;
  outputs: readonly OutputFile[];
}

async function readRun(target: Target, runId: string): Promise<ReadRun> {
  await statusOf(target, runId);
  const keys = runKeys(runId);
  const index = await readRecord(target.store, keys.outputIndex, parseOutputIndex);
  const versions = await readRecord(target.store, keys.versions, parseVersions);
  const table = await tableOf(target, runId);
  if (table === undefined)
    throw new CommandFailed(
      `the run ${runId} has no table of tasks: it is written when a run has ended; \`sierra-batch status ${runId}\` says how it stands`,
    );
  return {
    columns: table.columns,
    rows: await allRows(table.rows),
    runId,
    manifest: (await target.store.text(keys.manifest)) ?? '',
    outputs: [...(index?.files ?? []), ...((index?.listed ?? 0) > 0 ? await listed(target, runId) : [])],
    version: versions?.at(-1),
  };
}

/** What the index has no room for. */
async function listed({ store }: Target, runId: string): Promise<OutputFile[]> {
  const list = await store.stream(runKeys(runId).outputList);
  const files: OutputFile[] = [];
  if (list === undefined) return files;
  for await (const line of boundedLines(list, { most: LONGEST_LINE, whole: true })) {
    const file = parseOutputLine(line);
    if (file !== undefined) files.push(file);
  }
  return files;
}

/** More than any table of means has. */
const LONGEST_TABLE = 16 * 1024 * 1024;
const LONGEST_LINE = 64 * 1024;

interface Statistics {
  compared: number;
  /** Of those so many differ by more than the tolerance. */
  differ: number;
  example: string | null;
}

/** SIERRA's means and deviations, cell by cell. What lies in an archive is held against its hash alone. */
async function compareStatistics(
  { store }: Target,
  [a, b]: readonly [ReadRun, ReadRun],
  tolerance: number,
): Promise<Statistics> {
  const inB = new Map(b.outputs.map((file) => [file.path, file]));
  const found: Statistics = { compared: 0, differ: 0, example: null };
  for (const one of a.outputs.filter(({ path }) => isStatistics(path))) {
    const other = inB.get(one.path);
    if (other === undefined) continue;
    found.compared += 1;
    if (one.sha256 === other.sha256) continue;
    const isRead = [one, other].every(({ part, size }) => part === undefined && size <= LONGEST_TABLE);
    const read = async (run: ReadRun) => store.text(`${runKeys(run.runId).outputs}${one.path}`);
    const difference = isRead
      ? firstDifference((await read(a)) ?? '', (await read(b)) ?? '', tolerance)
      : 'other bytes';
    if (difference === undefined) continue;
    found.differ += 1;
    found.example ??= `${one.path}, ${difference}`;
  }
  return found;
}

const SHOWN = 8;

function manifestsSpoken(differences: readonly ManifestDifference[] | null): string {
  if (differences === null) return 'cannot be read';
  if (differences.length === 0) return 'the same';
  const shown = differences
    .slice(0, SHOWN)
    .map(({ path, a, b }) => `${path}: ${a ?? 'nothing'} in A, ${b ?? 'nothing'} in B`);
  const more = differences.length - shown.length;
  return `${shown.join('; ')}${more > 0 ? `; ${grouped(more)} more` : ''}`;
}

interface Compared {
  a: string;
  b: string;
  manifests: readonly ManifestDifference[] | null;
  versions: string | null;
  statistics: Statistics;
}

function told(
  { a, b, manifests, versions, statistics }: Compared,
  { tasks, alike, failing, fixed, notEnded, medianSeconds, results, outputs }: RunDifference,
): [string, string][] {
  const of = ({ count, tasks }: RunDifference['failing']) =>
    count === 0 ? 'none' : `${grouped(count)}, for instance ${tasks.join('; ')}`;
  const seconds = (value: number | null) => (value === null ? 'not known' : spoken(value));
  return [
    ['A', `${a}`],
    ['B', `${b}`],
    ['manifests', manifestsSpoken(manifests)],
    ['versions', `${versions === null ? 'not known' : versions === '' ? 'the same' : `other ${versions}`}`],
    [
      'tasks',
      `${grouped(tasks.inBoth)} in both, ${grouped(tasks.onlyInA)} in A alone, ${grouped(tasks.onlyInB)} in B alone`,
    ],
    ['alike', `${grouped(alike.succeeded)} succeeded in both, ${grouped(alike.failed)} failed in both`],
    ['fail now', of(failing)],
    ['fixed', of(fixed)],
    ...(notEnded.count === 0 ? [] : [notEndedSpoken(notEnded)]),
    ['median', `${seconds(medianSeconds.a)} in A, ${seconds(medianSeconds.b)} in B`],
    ...results.map(({ column, compared, differ, example }): [string, string] => [
      'results',
      `${column}: ${differ === 0 ? 'the same' : `${grouped(differ)} differ`} of ${counted(compared, 'task')}${example === null ? '' : ` (${example})`}`,
    ]),
    ...(statistics.compared === 0 ? [] : [statisticsSpoken(statistics)]),
    [
      'outputs',
      `${grouped(outputs.same)} the same, ${grouped(outputs.differ)} differ${outputs.differ === 0 ? '' : ` (${outputs.paths.join(', ')})`}, ${grouped(outputs.onlyInA)} in A alone, ${grouped(outputs.onlyInB)} in B alone`,
    ],
  ];
}

/** What was not started, or cut off, in one of them is neither fixed nor fails now. */
function notEndedSpoken({ count, tasks, succeededInA }: RunDifference['notEnded']): [string, string] {
  const worse = succeededInA === 0 ? '' : `, ${grouped(succeededInA)} of them succeeded in A`;
  return ['not ended', `${grouped(count)} in A or in B${worse}, for instance ${tasks.join('; ')}`];
}

function statisticsSpoken({ compared, differ, example }: Statistics): [string, string] {
  const same = `${counted(compared, 'table')} of .mean and .stddev`;
  return [
    'statistics',
    differ === 0 ? `${same}: the same` : `${grouped(differ)} of ${same} differ (${example ?? ''})`,
  ];
}
