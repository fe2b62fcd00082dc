/**
 * Where SIERRA will keep this experiment below its root: `<project>/<controller>/<scenario>/<template>-<criterion>…`, or
 * undefined where the arguments do not tell (an rcfile does, or stage 5 alone is run).
 */
export function sierraBatchRoot(args: readonly string[]): string | undefined {
  const project = valuesOf(args, '--project')[0];
  const controller = valuesOf(args, '--controller')[0];
  const scenario = valuesOf(args, '--scenario')[0];
  const template = valuesOf(args, '--expdef-template')[0];
  const criteria = [...valuesOf(args, '--batch-criteria'), ...valuesOf(args, '--bc')];
  if (project === undefined || controller === undefined || scenario === undefined || template === undefined)
    return undefined;
  const stem = baseName(template).replaceAll('-', '');
  return `${project}/${controller}/${scenario}/${stem}-${criteria.join('+')}`;
}

/** The options that stage 1 makes its inputs by and the batch root does not tell, in one form. */
export function inputArguments(args: readonly string[]): string[] {
  return ['--n-runs', '--exp-setup'].flatMap((option) => {
    const values = valuesOf(args, option);
    return values.length === 0 ? [] : [`${option}=${values.join(' ')}`];
  });
}

/** How many runs each experiment is to have; undefined where the arguments do not tell. */
export function runsOfExperiment(args: readonly string[]): number | undefined {
  const [value = ''] = valuesOf(args, '--n-runs');
  return /^\d{1,9}$/.test(value) ? Number(value) : undefined;
}

/**
 * What an engine needs on hpc.awsbatch and SIERRA does not work out there: for ARGoS (its default engine) the number of
 * physics engines, which are threads, the most that `run.threadsPerTask` has room for. A value of the user's own stays.
 */
export function engineArguments(args: readonly string[], threadsPerTask: number): string[] {
  const engine = valuesOf(args, '--engine')[0] ?? 'engine.argos';
  if (!/(^|\.)argos$/.test(engine) || valuesOf(args, '--physics-n-engines').length > 0) return [];
  const engines = PHYSICS_ENGINES.findLast((count) => count <= threadsPerTask) ?? 1;
  return [`--physics-n-engines=${engines}`];
}

/**
 * What hpc.awsbatch needs and its user would otherwise have to find out: it computes no default of jobs per node, and
 * implements only per-batch, where ARGoS' own default is per-exp.
 */
export function suppliedArguments(given: { root: string; nodefile: string; jobsPerNode: number }): string[] {
  return [
    '--execenv=hpc.awsbatch',
    `--sierra-root=${given.root}`,
    `--nodefile=${given.nodefile}`,
    `--exec-jobs-per-node=${given.jobsPerNode}`,
    '--exec-parallelism-paradigm=per-batch',
  ];
}

/** What SIERRA takes: ARGoS lays them out as a grid. */
const PHYSICS_ENGINES = [1, 2, 4, 6, 8, 12, 16, 24];

/** The values of an option, as `--option=value` or `--option value value`; the last time it is given counts. */
function valuesOf(args: readonly string[], option: string): string[] {
  let values: string[] = [];
  for (const [index, argument] of args.entries()) {
    if (argument.startsWith(`${option}=`)) values = [argument.slice(option.length + 1)];
    if (argument !== option) continue;
    const rest = args.slice(index + 1);
    const end = rest.findIndex((next) => next.startsWith('-'));
    values = end === -1 ? rest : rest.slice(0, end);
  }
  return values;
}

/** Without folders and the last extension, as Python's `Path.stem`. */
function baseName(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const dot = name.lastIndexOf('.');
  return dot <= 0 ? name : name.slice(0, dot);
}
