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
const INPUT = new RegExp(
  String.raw`(\/\S*?)\/exp-inputs\/(${EXPERIMENT})\/((\S+?)_run(\d+)(?:\.\w+)?)(?=[\s;'"]|$)`,
);

/** The run that a line of SIERRA's `commands.txt` starts; undefined for any other command. */
export function sierraRunOf(command: string): SierraRun | undefined {
  const match = INPUT.exec(command);
  if (match === null) return undefined;
  const [, root = '', experiment = '', file = '', stem = '', run = ''] = match;
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
