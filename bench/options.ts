import { parseArgs } from 'node:util';

const WORKLOADS = ['no-op', '10ms', '1s', 'heavy-tail', 'slow-storage'] as const;
const SCHEMES = ['stock', 'pool', 'parallel', 'xargs', 'hyperqueue', 'hypershell'] as const;
export type Workload = (typeof WORKLOADS)[number];
export type Scheme = (typeof SCHEMES)[number];

export interface BenchOptions {
  workloads: readonly Workload[];
  schemes: readonly Scheme[];
  nodes: readonly number[];
  /** Tasks of every run, instead of the workload's own number. */
  tasks?: number;
  /** How long nodes take to join is measured as well. */
  join: boolean;
  /** Only the million. */
  long: boolean;
  /** Only what becomes of so many outputs. */
  outputs?: number;
  /** Times each run is made; the median counts. */
  repeat: number;
}

/** Slots a node, as in the measurements that the targets come from. */
export const SLOTS = 2;

export const USAGE = `npm run bench -- [--workload ${WORKLOADS.join('|')}] [--scheme ${SCHEMES.join('|')}]
                 [--nodes 1|4|16] [--tasks N] [--repeat N] [--join]
npm run bench -- --long
npm run bench -- --outputs N
Lists by comma or by giving an option again; nothing given runs everything but --long, a million tasks, and
--outputs, N files of one line that node 0 sends and Collect sums up. --join measures how long nodes take to join; it is part of
everything.`;

/** Reads the command line. @throws Error with one sentence about what is wrong */
export function parseOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      workload: { type: 'string', multiple: true },
      scheme: { type: 'string', multiple: true },
      nodes: { type: 'string', multiple: true },
      tasks: { type: 'string' },
      repeat: { type: 'string', default: '1' },
      join: { type: 'boolean' },
      long: { type: 'boolean', default: false },
      outputs: { type: 'string' },
    },
  });
  const isSelected = [values.workload, values.scheme, values.nodes].some((given) => given !== undefined);
  return {
    join: values.join ?? !isSelected,
    long: values.long,
    workloads: oneOf(WORKLOADS, 'workload', values.workload),
    schemes: oneOf(SCHEMES, 'scheme', values.scheme),
    nodes: (values.nodes ?? ['1,4,16'])
      .flatMap((list) => list.split(','))
      .map((text) => count('nodes', text)),
    ...(values.tasks === undefined ? {} : { tasks: count('tasks', values.tasks) }),
    ...(values.outputs === undefined ? {} : { outputs: count('outputs', values.outputs) }),
    repeat: count('repeat', values.repeat),
  };
}

function oneOf<T extends string>(all: readonly T[], option: string, given: string[] | undefined): T[] {
  const wanted = given?.flatMap((list) => list.split(','));
  const unknown = wanted?.find((name) => !all.some((known) => known === name));
  if (unknown !== undefined) throw new Error(`--${option} ${unknown}: there are ${all.join(', ')}`);
  return all.filter((name) => wanted === undefined || wanted.includes(name));
}

function count(option: string, text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new Error(`--${option} ${text}: a whole number from 1`);
  return number;
}
