import type { Command } from '@commander-js/extra-typings';
import { Option } from '@commander-js/extra-typings';
import { EXIT } from '../../../experiment/records/exit-code.ts';
import { isOutcome } from '../../../experiment/records/outcome.ts';
import { RUN_STATES } from '../../../experiment/records/status.ts';
import type { RunRow } from '../../../experiment/run-list/row.ts';
import { grouped } from '../../../experiment/text/numbers.ts';
import { duration, example, withSystem } from '../../context/arguments.ts';
import type { Context, Running } from '../../context/context.ts';
import { age, readRows } from '../../context/run-rows.ts';
import { table } from '../../output/table.ts';

/** `sierra-batch runs` */
export function defineRuns(program: Command, { begin }: Running): void {
  withSystem(program.command('runs'))
    .summary('list runs')
    .description('A table of runs, newest first: state, age, tasks done, node-hours.')
    .option('--since <duration>', 'not older than this: 12h, 7d', duration)
    .addOption(new Option('--state <state>', 'only runs in this state').choices(RUN_STATES))
    .addHelpText('after', example('sierra-batch runs --since 7d --state failed'))
    .action((options) => begin(options, (context) => runs(context, options)));
}

/** @param options `since` in seconds */
export async function runs(
  context: Context,
  options: { since?: number | undefined; state?: string | undefined },
): Promise<number> {
  const { terminal, clock } = context;
  const target = await context.target();
  const now = clock.now();
  const notBefore = options.since === undefined ? 0 : now - options.since * 1000;
  const all = await readRows(target.store);
  const rows = all.filter(
    ({ state, at }) =>
      (options.state === undefined || state === options.state) && !(Date.parse(at) < notBefore),
  );
  const isStopped = ({ state }: RunRow) => target.live === undefined && !isOutcome(state);
  if (context.asJson) terminal.json(rows.map((row) => (isStopped(row) ? { ...row, stopped: true } : row)));
  else if (rows.length > 0)
    for (const line of table(
      HEADS,
      rows.map((row) => cells(isStopped(row) ? { ...row, state: 'stopped' } : row, now)),
      RIGHT,
    ))
      terminal.say(line);
  else
    terminal.remark(
      all.length === 0 ? `No runs in ${target.name} yet.` : `No matching runs (${all.length} in all).`,
    );
  if (!context.asJson && rows.some(isStopped))
    terminal.remark(
      'No local system is up here: `sierra-batch local` (or the next run) settles runs that have stopped.',
    );
  return EXIT.succeeded;
}

const HEADS = ['RUN', 'STATE', 'AGE', 'SUCCEEDED', 'FAILED', 'NODE-HOURS'];
const RIGHT: ReadonlySet<number> = new Set([3, 4, 5]);

function cells(row: Omit<RunRow, 'state'> & { state: string }, now: number): string[] {
  const { runId, state, tasks, nodeHours } = row;
  const done = tasks === undefined ? '' : `${grouped(tasks.succeeded)}/${grouped(tasks.total)}`;
  return [
    runId,
    state,
    age(row, now),
    done,
    tasks === undefined ? '' : grouped(tasks.failed),
    nodeHours === undefined ? '' : String(Number(nodeHours.toPrecision(2))),
  ];
}
