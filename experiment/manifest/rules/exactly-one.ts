import type { Judged } from './rule-context.ts';
import type { FaultPath } from './schema-faults.ts';

/** Keys of which exactly one is given, or at least one. */
export function judgeChoices(judged: Judged): void {
  const budget = judged.map(['budget']);
  if (budget !== undefined && budget.maxNodeHours === undefined && budget.usd === undefined)
    judged.fault(['budget'], 'empty-budget', 'names no limit', 'maxNodeHours, usd');
  const run = judged.map(['run']);
  if (run !== undefined) exactlyOne(judged, ['run'], run, ['commands', 'sierra']);
  const results = judged.map(['results']);
  if (results !== undefined) exactlyOne(judged, ['results'], results, ['json', 'csv', 'stdout']);
  const commands = judged.map(['run', 'commands']);
  if (commands === undefined) return;
  exactlyOne(judged, ['run', 'commands'], commands, ['template', 'list', 'file']);
  const given = PARAMETERS.filter((key) => commands[key] !== undefined);
  if (commands.template !== undefined && given.every((key) => key === 'exclude'))
    judged.fault(
      ['run', 'commands', 'template'],
      'missing',
      'a template needs a `matrix` of values',
      '`zip`, `table` and `replicates` as well',
    );
  if (commands.template === undefined)
    for (const key of given)
      judged.fault(['run', 'commands', key], 'conflict', `\`${key}\` needs a \`template\``);
}

const PARAMETERS = ['matrix', 'zip', 'table', 'exclude', 'replicates'];

function exactlyOne(
  judged: Judged,
  path: FaultPath,
  map: Readonly<Record<string, unknown>>,
  keys: readonly string[],
): void {
  const given = keys.filter((key) => map[key] !== undefined);
  if (given.length === 1) return;
  const allowed = `exactly one of ${keys.join(', ')}`;
  if (given.length === 0) judged.fault(path, 'missing', 'does not say what to run', allowed);
  else
    for (const key of given.slice(1))
      judged.keyFault([...path, key], 'conflict', `stands beside \`${given[0]}\``, allowed);
}
