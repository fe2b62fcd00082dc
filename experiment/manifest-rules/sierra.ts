import { MOST_JUDGED } from '../schema-faults.ts';
import { readSierraArguments } from '../sierra-options.ts';
import type { Judged } from './judged.ts';

/** SIERRA's options that are supplied, or that its awsbatch plugin refuses. */
export function judgeSierra(judged: Judged): void {
  const args = judged.at(['run', 'sierra', 'args']);
  if (!Array.isArray(args) || !args.every((argument) => typeof argument === 'string')) return;
  const jobs = String(judged.number(['run', 'jobsPerNode']));
  for (const { index, option, value, message } of readSierraArguments(args).faults.slice(0, MOST_JUDGED))
    if (option !== '--exec-jobs-per-node' || value !== jobs)
      judged.fault(['run', 'sierra', 'args', index], 'sierra-option', message);
}
