/** One run of a SIERRA batch, as its command names it. */
interface SierraRun {
  /** For instance `c1-exp0`, or `c1-exp0+c2-exp1` with two criteria. */
  experiment: string;
  run: number;
  /** What the run reads. */
  input: string;
  /** The folder it writes into. */
  output: string;
}

const EXPERIMENT = String.raw`c\d+-exp\d+(?:\+c\d+-exp\d+)*`;
const INPUTS = new RegExp(String.raw`\/exp-inputs\/(${EXPERIMENT})\/`);
const RUN = /_run(\d+)(?:\.\w+)?$/;

/** The run that a line of SIERRA's `commands.txt` starts; undefined for any other command. */
export function sierraRunOf(command: string): SierraRun | undefined {
  for (const word of command.split(/\s/)) {
    const run = runOfPath(word.slice(word.indexOf('/')));
    if (run !== undefined) return run;
  }
  return undefined;
}

/** Step by step: one pattern for the whole path tries each place of its first half with each place of its second half. */
function runOfPath(path: string): SierraRun | undefined {
  const inputs = INPUTS.exec(path);
  if (inputs === null || inputs.index === 0) return undefined;
  const [folder, experiment = ''] = inputs;
  const root = path.slice(0, inputs.index);
  const [file = ''] = path.slice(inputs.index + folder.length).split(/[;'"]/, 1);
  const match = RUN.exec(file);
  if (match === null || match.index === 0) return undefined;
  const [, run = ''] = match;
  const stem = file.slice(0, match.index);
  return {
    experiment,
    run: Number(run),
    input: `${root}/exp-inputs/${experiment}/${file}`,
    output: `${root}/exp-outputs/${experiment}/${stem}_run${run}_output`,
  };
}

/**
 * The experiment, and the run in it, that the end of SIERRA's log speaks of last. Once there is a traceback only that
 * counts: stages 3 and 4 work at several experiments at once, and which they began last says nothing of the error.
 */
export function placeInSierra(log: string): { experiment?: string; run?: number } {
  const text = log.slice(Math.max(0, log.indexOf('Traceback (most recent call last)')));
  const experiment = [...text.matchAll(new RegExp(`${EXPERIMENT}(?!\\d)`, 'g'))].at(-1);
  if (experiment === undefined) return {};
  const run = /^[^\s]*?_run(\d+)/.exec(text.slice(experiment.index + experiment[0].length))?.[1];
  return { experiment: experiment[0], ...(run === undefined ? {} : { run: Number(run) }) };
}
