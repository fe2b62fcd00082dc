import { readSierraArguments } from '../../sierra/check-arguments.ts';
import type { Judged } from './rule-context.ts';
import { MOST_JUDGED } from './schema-faults.ts';

/** SIERRA's options that are supplied, or that its awsbatch plugin refuses. */
export function judgeSierra(judged: Judged): void {
  const args = judged.at(['run', 'sierra', 'args']);
  if (!Array.isArray(args)) return;
  // What is no text was told of by the schema; the options around it are judged all the same.
  const texts = args.map((argument) => (typeof argument === 'object' ? '' : String(argument)));
  const jobs = String(judged.number(['run', 'jobsPerNode']));
  for (const { index, option, value, message } of readSierraArguments(texts).faults.slice(0, MOST_JUDGED))
    if (option !== '--exec-jobs-per-node' || value !== jobs)
      judged.fault(['run', 'sierra', 'args', index], 'sierra-option', message);
}
