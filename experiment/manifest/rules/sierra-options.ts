import { runsOfExperiment } from '../../sierra/arguments.ts';
import { readSierraArguments } from '../../sierra/check-arguments.ts';
import type { Judged } from './rule-context.ts';
import { MAX_JUDGED } from './schema-faults.ts';

/** SIERRA's options that are supplied, or that its awsbatch plugin refuses. */
export function judgeSierra(judged: Judged): void {
  if (judged.at(['timeouts', 'process']) !== undefined && judged.at(['run', 'commands']) !== undefined)
    judged.warn(
      ['timeouts', 'process'],
      'no-stages',
      'timeouts.process is the limit of SIERRA’s stages 3 to 5, and commands have none',
    );
  const closing = judged.at(['run', 'finally']) !== undefined;
  if (closing && judged.at(['run', 'sierra']) !== undefined)
    judged.fault(
      ['run', 'finally'],
      'no-finally',
      'closes a list of commands; SIERRA’s stages 3 to 5 close an experiment',
    );
  if (!closing && judged.at(['timeouts', 'finally']) !== undefined)
    judged.warn(['timeouts', 'finally'], 'no-finally', 'is the limit of `run.finally`, which is not there');
  const args = judged.at(['run', 'sierra', 'args']);
  if (!Array.isArray(args)) return;
  // What is no text was told of by the schema; the options around it are judged all the same.
  const texts = args.map((argument) => (typeof argument === 'object' ? '' : String(argument)));
  const minRuns = judged.number(['run', 'sierra', 'minRuns']) ?? 0;
  const runs = runsOfExperiment(texts);
  if (runs !== undefined && minRuns > runs)
    judged.fault(
      ['run', 'sierra', 'minRuns'],
      'min-runs',
      `no experiment can have ${minRuns} whole runs where --n-runs is ${runs}`,
    );
  const jobs = String(judged.number(['run', 'jobsPerNode']));
  for (const { index, option, value, message } of readSierraArguments(texts).faults.slice(0, MAX_JUDGED))
    if (option !== '--exec-jobs-per-node' || value !== jobs)
      judged.fault(['run', 'sierra', 'args', index], 'sierra-option', message);
}
