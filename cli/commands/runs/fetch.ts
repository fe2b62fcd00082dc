import { resolve } from 'node:path';
import type { Command } from '@commander-js/extra-typings';
import { messageOf } from '../../../aws/errors.ts';
import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import type { Plan } from '../../../experiment/plan/plan.ts';
import { parsePlan } from '../../../experiment/plan/plan.ts';
import { EXIT } from '../../../experiment/records/exit-code.ts';
import type { OutputFile } from '../../../experiment/records/outputs.ts';
import { parseOutputIndex } from '../../../experiment/records/outputs.ts';
import type { RunState } from '../../../experiment/records/status.ts';
import { areNamed } from '../../../experiment/results/output-pattern.ts';
import { counted } from '../../../experiment/text/numbers.ts';
import { plainLine } from '../../../experiment/text/terminal-codes.ts';
import { forEachBounded } from '../../../experiment/util/for-each-limit.ts';
import { example, RUN_HELP, runIdArgument, withSystem } from '../../context/arguments.ts';
import type { Context, Running } from '../../context/context.ts';
import { readRecord } from '../../context/run-store.ts';
import { chosenRun, statusOf } from '../../context/select-run.ts';
import { CommandFailed } from '../../errors/failure.ts';
import { NOT_NAMED, placeFile } from './place-file.ts';

/** Files under way at once. */
const AT_ONCE = 8;

/** `sierra-batch fetch RUN [DIR]` */
export function defineFetch(program: Command, { begin }: Running): void {
  withSystem(program.command('fetch'))
    .summary('fetch the outputs of a run')
    .description(
      'Fetches the outputs of a run into a folder, each file checked by size and SHA-256: what the manifest’s `outputs` name, and nothing else. What is there already is not fetched again, and a file of yours that differs stays. Later runs of a manifest’s own folder do not send what was fetched into it: `.sierra-batch-fetched` lists it.',
    )
    .argument('[run]', RUN_HELP, runIdArgument)
    .argument('[folder]', 'where to; a new folder with the run’s id when left out')
    .option('--tables', 'tasks.csv and tasks.parquet instead: a row for each task')
    .option('--force', 'replace files that are there already and differ')
    .addHelpText('after', example('sierra-batch fetch speed-sweep-0123456789a results'))
    .action((run, folder, options) => begin(options, (context) => fetch(context, run, folder, options)));
}

/** A file that is there already, with the same bytes, is left alone. */
export async function fetch(
  context: Context,
  named: string | undefined,
  folder: string | undefined,
  { force = false, tables }: { force?: true | undefined | false; tables?: true | undefined } = {},
): Promise<number> {
  const { terminal, cwd } = context;
  const target = await context.target();
  const runId = await chosenRun(context, target, named);
  const { state } = await statusOf(target, runId);
  const shown = folder ?? runId;
  if (tables === true)
    return (await import('./fetch-tables.ts')).fetchTables(context, target, runId, { folder: shown, force });
  const keys = runKeys(runId);
  const [index, plan] = await Promise.all([
    readRecord(target.store, keys.outputIndex, parseOutputIndex),
    readRecord(target.store, keys.plan, parsePlan),
  ]);
  if (index === undefined) throw new CommandFailed(noOutputs(runId, state, plan), 1);
  const place = { into: resolve(cwd, shown), force };
  const isNamed = areNamed(plan?.outputs ?? []);
  const faults: string[] = [];
  let fetched = 0;
  const tell = ({ path }: OutputFile, fault: string | undefined) => {
    if (fault === undefined) fetched += 1;
    else faults.push(`${plainLine(path)}: ${fault}`);
  };
  await forEachBounded(index.files, AT_ONCE, async (file) => {
    const fault = isNamed(file.path)
      ? await placeFile(file, place, () => target.store.stream(`${keys.outputs}${file.path}`)).catch(
          messageOf,
        )
      : NOT_NAMED;
    tell(file, fault);
  });
  if ((index.listed ?? 0) > 0) {
    const { fetchListed } = await import('./fetch-listed.ts');
    await fetchListed(target.store, runId, { place, isNamed, tell });
  }
  for (const path of index.missing)
    terminal.remark(`${plainLine(path)}: named in the manifest, but the run made no such file`);
  for (const fault of faults) terminal.remark(fault);
  if (context.asJson) terminal.json({ runId, folder: shown, fetched, faults, missing: index.missing });
  else terminal.say(`${counted(fetched, 'file')} in ${shown}; sizes and SHA-256 match`);
  return faults.length === 0 ? EXIT.succeeded : EXIT.tasksFailed;
}

/** Why there is nothing to fetch, and what to do. */
function noOutputs(runId: string, state: RunState, plan: Plan | undefined): string {
  const none = `the run ${runId} (${state}) has no outputs`;
  if (plan === undefined || plan.outputs.length > 0) return none;
  return `${none}: its manifest names none. To keep files that tasks write, name them: \`sierra-batch run … --output PATH\`, or \`outputs\` in a manifest. The table of its tasks: \`sierra-batch fetch ${runId} --tables .\``;
}
