import { EXIT } from '../../../experiment/records/exit-code.ts';
import type { RunRow } from '../../../experiment/run-list/row.ts';
import { grouped } from '../../../experiment/text/numbers.ts';
import type { Context } from '../../context/context.ts';
import { age, readRows } from '../../context/run-rows.ts';
import { table } from '../../output/table.ts';

/** `sierra-batch runs` @param options `since` in seconds */
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
  if (context.asJson) terminal.json(rows);
  else if (rows.length > 0)
    for (const line of table(
      HEADS,
      rows.map((row) => cells(row, now)),
      RIGHT,
    ))
      terminal.say(line);
  else
    terminal.remark(
      all.length === 0 ? `No runs in ${target.name} yet.` : `None of ${all.length} runs is such a one.`,
    );
  return EXIT.succeeded;
}

const HEADS = ['RUN', 'STATE', 'AGE', 'TASKS', 'FAILED', 'NODE-HOURS'];
const RIGHT: ReadonlySet<number> = new Set([3, 4, 5]);

function cells(row: RunRow, now: number): string[] {
  const { runId, state, tasks, nodeHours } = row;
  const done =
    tasks === undefined ? '' : `${grouped(tasks.succeeded + tasks.failed)}/${grouped(tasks.total)}`;
  return [
    runId,
    state,
    age(row, now),
    done,
    tasks === undefined ? '' : grouped(tasks.failed),
    nodeHours === undefined ? '' : String(Number(nodeHours.toPrecision(2))),
  ];
}
