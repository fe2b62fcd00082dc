import type { ExperimentRuns } from '../records/progress.ts';
import { counted, grouped } from '../text/numbers.ts';
import type { Observed } from './observation.ts';

/** At most this many experiments are told; the report has all. */
const TOLD = 10;

/** ` Means are of 31 of 32 runs in c1-exp3.`, as a sentence to append; empty where nothing is missing or nothing was made. */
export function meansClause({ incomplete = [], stage = 0 }: Observed): string {
  if (incomplete.length === 0 || stage < 3) return '';
  return ` Means are of ${experimentsSpoken(incomplete)}.`;
}

/** `31 of 32 runs in c1-exp3, 30 of 32 in c1-exp4 and fewer than all in 12 more experiments` */
export function experimentsSpoken(experiments: readonly ExperimentRuns[], told = TOLD): string {
  const shown = experiments.slice(0, told).map(({ experiment, whole, runs }, index) => {
    const of = index === 0 ? counted(runs, 'run') : grouped(runs);
    return `${grouped(whole)} of ${of} in ${experiment}`;
  });
  const left = experiments.length - shown.length;
  if (left > 0) shown.push(`fewer than all in ${counted(left, 'more experiment')}`);
  const last = shown.pop() ?? '';
  return shown.length === 0 ? last : `${shown.join(', ')} and ${last}`;
}
