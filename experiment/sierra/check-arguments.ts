import { says } from '../text/says.ts';

/** A fault of one of the user's SIERRA arguments; `index` is its place in the list. */
interface SierraFault {
  index: number;
  option: string;
  /** The value that it was given, if any. */
  value?: string | undefined;
  message: string;
  suggestion?: string;
}

export interface SierraArguments {
  /** Without `--pipeline`. */
  args: string[];
  /** Stages in the order given; SIERRA's own default when none were. */
  pipeline: number[];
  faults: SierraFault[];
}

const DEFAULT_PIPELINE = [1, 2, 3, 4];

/** Options that this system supplies: a value of the user's own would work against it. */
const SUPPLIED: ReadonlyMap<string, { value?: string; use: string }> = new Map([
  ['--execenv', { value: 'hpc.awsbatch', use: 'it is always hpc.awsbatch here; leave it out' }],
  [
    '--sierra-root',
    { use: 'it must be on shared storage and is set here; use the key `workspace` to keep it between runs' },
  ],
  ['--nodefile', { use: 'it is written when all nodes have joined; leave it out' }],
  ['--exec-jobs-per-node', { use: 'use the key `run.jobsPerNode`' }],
  [
    '--exec-parallelism-paradigm',
    { value: 'per-batch', use: 'hpc.awsbatch has only per-batch; leave it out' },
  ],
  ['--exec-resume', { use: 'use the key `resume`; a retried job resumes by itself' }],
]);

/** SIERRA refuses these on hpc.awsbatch; better said before a node is paid for. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ['--engine-vc', 'SIERRA does no visual capture on AWS Batch'],
]);

/** Takes the user's arguments apart: the pipeline, what we supply, what hpc.awsbatch refuses. */
export function readSierraArguments(given: readonly string[]): SierraArguments {
  const result: SierraArguments = { args: [], pipeline: [], faults: [] };
  for (let index = 0; index < given.length; index += 1) {
    const argument = given[index] ?? '';
    const [option = '', inline] = splitOption(argument);
    if (option === '--pipeline') {
      const values = inline === undefined ? following(given, index) : inline.split(/\s+/);
      readPipeline(values, index, result);
      if (inline === undefined) index += values.length;
      continue;
    }
    const value = inline ?? valueBehind(given, index);
    if (value !== undefined && SUPPLIED.get(option)?.value === value) {
      // What we supply anyway, given once more.
      if (inline === undefined) index += 1;
      continue;
    }
    const fault = judge(argument, option, value, index);
    if (fault !== undefined) result.faults.push(fault);
    result.args.push(argument);
  }
  if (result.pipeline.length === 0) result.pipeline = [...DEFAULT_PIPELINE];
  return result;
}

function judge(
  argument: string,
  option: string,
  value: string | undefined,
  index: number,
): SierraFault | undefined {
  if (/^-[-a-z][^\s=]*\s/.test(argument)) {
    const [first = '', ...rest] = argument.split(/\s+/);
    return {
      index,
      option: first,
      message: `an option and its value are two arguments: write ${JSON.stringify(first)}, ${JSON.stringify(rest.join(' '))}`,
    };
  }
  const refused = REFUSED.get(option);
  if (refused !== undefined) return { index, option, message: refused };
  const supplied = SUPPLIED.get(option);
  if (supplied !== undefined) {
    return { index, option, value, message: `${option} is supplied by sierra-batch: ${supplied.use}` };
  }
  if (option === '--engine' && value !== undefined && says(value, [/ros1/i, /gazebo/i])) {
    return { index, option, message: 'SIERRA does not run ROS1+Gazebo on AWS Batch' };
  }
  return undefined;
}

function readPipeline(values: readonly string[], index: number, result: SierraArguments): void {
  const stages = values.map(Number);
  if (values.length === 0 || values.some((value) => !/^[1-5]$/.test(value))) {
    result.faults.push({
      index,
      option: '--pipeline',
      message: `--pipeline takes stages from 1 to 5, not ${JSON.stringify(values.join(' ').slice(0, 80))}`,
    });
    return;
  }
  result.pipeline = stages;
}

function splitOption(argument: string): [string, string | undefined] {
  // SIERRA's short form: `-xresume` is `--exec-resume`.
  const long = argument.replace(/^-x=?(?=[a-z])/, '--exec-');
  const at = long.indexOf('=');
  return long.startsWith('--') && at !== -1 ? [long.slice(0, at), long.slice(at + 1)] : [long, undefined];
}

function valueBehind(given: readonly string[], index: number): string | undefined {
  const next = given[index + 1];
  return next?.startsWith('-') ? undefined : next;
}

/** The values behind an option, up to the next option. */
function following(given: readonly string[], index: number): string[] {
  let end = index + 1;
  while (end < given.length && given[end]?.startsWith('-') === false) end += 1;
  return given.slice(index + 1, end);
}
