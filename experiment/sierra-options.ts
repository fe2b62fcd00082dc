/** A fault of one of the user's SIERRA arguments; `index` is its place in the list. */
interface SierraFault {
  index: number;
  option: string;
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
const SUPPLIED: Readonly<Record<string, { value?: string; use: string }>> = {
  '--execenv': { value: 'hpc.awsbatch', use: 'it is always hpc.awsbatch here; leave it out' },
  '--sierra-root': {
    use: 'it must lie on shared storage and is set here; use the key `workspace` to keep it between runs',
  },
  '--nodefile': { use: 'it is written when all nodes have joined; leave it out' },
  '--exec-jobs-per-node': { use: 'use the key `run.jobsPerNode`' },
  '--exec-parallelism-paradigm': { value: 'per-batch', use: 'hpc.awsbatch has only per-batch; leave it out' },
  '--exec-resume': { use: 'use the key `resume`; a retried job resumes by itself' },
};

/** SIERRA refuses these on hpc.awsbatch; better said before a node is paid for. */
const REFUSED: Readonly<Record<string, string>> = {
  '--engine-vc': 'SIERRA does no visual capture on AWS Batch',
};

/** Takes the user's arguments apart: the pipeline, what we supply, what hpc.awsbatch refuses. */
export function readSierraArguments(given: readonly string[]): SierraArguments {
  const result: SierraArguments = { args: [], pipeline: [], faults: [] };
  for (let index = 0; index < given.length; index += 1) {
    const argument = given[index] ?? '';
    const [option = '', inline] = splitOption(argument);
    if (option === '--pipeline') {
      const values = inline === undefined ? following(given, index) : inline.split(/\s+/);
      if (inline === undefined) index += values.length;
      readPipeline(values, index, result);
      continue;
    }
    const value = inline ?? following(given, index)[0];
    if (value !== undefined && SUPPLIED[option]?.value === value) {
      // What we supply anyway, given once more.
      if (inline === undefined) index += 1;
      continue;
    }
    const fault = judge(option, value, index);
    if (fault !== undefined) result.faults.push(fault);
    result.args.push(argument);
  }
  if (result.pipeline.length === 0) result.pipeline = [...DEFAULT_PIPELINE];
  return result;
}

function judge(option: string, value: string | undefined, index: number): SierraFault | undefined {
  const refused = REFUSED[option];
  if (refused !== undefined) return { index, option, message: refused };
  const supplied = SUPPLIED[option];
  if (supplied !== undefined) {
    return { index, option, message: `${option} is supplied by sierra-batch: ${supplied.use}` };
  }
  if (option === '--engine' && value !== undefined && /ros1.*gazebo/i.test(value)) {
    return { index, option, message: 'SIERRA does not run ROS1+Gazebo on AWS Batch' };
  }
  return undefined;
}

function readPipeline(values: readonly string[], index: number, result: SierraArguments): void {
  const stages = values.map(Number);
  if (values.length === 0 || stages.some((stage) => !Number.isInteger(stage) || stage < 1 || stage > 5)) {
    result.faults.push({
      index,
      option: '--pipeline',
      message: `--pipeline takes stages from 1 to 5, not ${JSON.stringify(values.join(' '))}`,
    });
    return;
  }
  result.pipeline = stages;
}

function splitOption(argument: string): [string, string | undefined] {
  const at = argument.indexOf('=');
  return argument.startsWith('--') && at !== -1
    ? [argument.slice(0, at), argument.slice(at + 1)]
    : [argument, undefined];
}

/** The values behind an option, up to the next option. */
function following(given: readonly string[], index: number): string[] {
  const rest = given.slice(index + 1);
  const end = rest.findIndex((argument) => argument.startsWith('-'));
  return end === -1 ? rest : rest.slice(0, end);
}
