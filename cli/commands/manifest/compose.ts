import { basename } from 'node:path';
import { CommandFailed } from '../../errors/failure.ts';

/** A command line's own words for a manifest. */
export interface Composed {
  command: string;
  /** `seed=1..100`, `speed=0.1,0.5` */
  parameters: readonly string[];
  nodes: number;
  /** Paths and patterns of what is kept in the bucket. */
  outputs: readonly string[];
  /** What tasks print becomes columns of the table. */
  results?: 'stdout' | undefined;
  /** The folder of the user is sent along. */
  withFolder: boolean;
}

/**
 * The manifest that a command with parameters stands for, as a person would write it. Pure.
 * @throws CommandFailed for a parameter that cannot be read
 */
export function composeManifest(composed: Composed): string {
  const { command, parameters, nodes, outputs, results, withFolder } = composed;
  const matrix = parameters.map(readParameter);
  const twice = matrix.find(({ key }, at) => matrix.findIndex((other) => other.key === key) < at);
  if (twice !== undefined)
    throw new CommandFailed(
      `the parameter ${twice.key} is given twice: write all its values in one word, ${twice.key}=1,2 or ${twice.key}=1..3 (not {1..3}, which the shell expands)`,
    );
  const [first] = matrix;
  if (first !== undefined && !command.includes('{'))
    throw new CommandFailed(
      `{${first.key}} is not in the command ${command}: write {${first.key}} where its value goes (in double quotes the shell replaces $${first.key} before it is seen here)`,
    );
  const commands =
    matrix.length === 0
      ? [`    list: [${JSON.stringify(command)}]`]
      : [
          `    template: ${JSON.stringify(command)}`,
          '    matrix:',
          ...matrix.map(({ key, values }) => `      ${asText(key)}: ${values}`),
        ];
  return [
    'apiVersion: sierra-batch/v1',
    `name: ${asText(nameOf(command))}`,
    `cluster: {nodes: ${nodes}}`,
    'run:',
    '  commands:',
    ...commands,
    '  keepOutput: all',
    ...(withFolder ? ['inputs: [{from: ., to: .}]'] : []),
    ...(outputs.length === 0 ? [] : [`outputs: [${outputs.map((path) => JSON.stringify(path)).join(', ')}]`]),
    ...(results === undefined ? [] : [`results: {${results}: json}`]),
    '',
  ].join('\n');
}

/** A word that YAML would read as something else. */
function asText(word: string): string {
  return /^(?:true|false|null)$/i.test(word) ? JSON.stringify(word) : word;
}

const NUMBER = /^-?\d{1,15}(?:\.\d{1,15})?$/;
/** Ranges as bash, cut and Python write them. */
const OTHER_RANGE = /^(\{?)(-?\d{1,15})(-|:|\.{2,3})(-?\d{1,15}(?:\.\.-?\d{1,15})?)(\}?)$/;
const KEY = /^[A-Za-z_]\w{0,99}$/;

/** `seed=1..100` is a range, `angle=0..90..15` one with a step, anything else a list with commas between its values. */
function readParameter(written: string): { key: string; values: string } {
  if (/^:{3,4}\+?$/.test(written))
    throw new CommandFailed(
      `${written} of GNU parallel is not known here: \`::: 1 2 3\` is seed=1,2,3, and {} in the command is {seed}`,
    );
  const [key = '', ...rest] = written.split('=');
  const text = rest.join('=');
  if (!KEY.test(key) || rest.length === 0)
    throw new CommandFailed(
      `${written} is not a parameter: write seed=1..100 or speed=0.1,0.5 without blanks, and the command in quotes before it`,
    );
  const [from = '', to = '', step, ...more] = text.split('..');
  const numbers = step === undefined ? [from, to] : [from, to, step];
  if (more.length === 0 && numbers.every((number) => NUMBER.test(number)))
    return { key, values: `{from: ${from}, to: ${to}${step === undefined ? '' : `, step: ${step}`}}` };
  refuseOtherRange(key, text);
  const values = text.split(',').map((value) => (NUMBER.test(value) ? value : JSON.stringify(value)));
  return { key, values: `[${values.join(', ')}]` };
}

/** A lone value that counts upwards was meant as a range: `2024-11` and `8080:80` do not. */
function refuseOtherRange(key: string, text: string): void {
  const [, open, from = '', , to = '', close] = OTHER_RANGE.exec(text) ?? [];
  if (from === '' || (open === '') !== (close === '')) return;
  if (open === '' && Number.parseInt(to, 10) <= Number(from)) return;
  throw new CommandFailed(
    `${key}=${text}: did you mean ${key}=${from}..${to}? Where ${text} is the value itself, write a manifest with \`matrix: {${key}: [${JSON.stringify(text)}]}\``,
  );
}

const INTERPRETERS = /^(?:python[\d.]*|bash|sh|perl|ruby|julia|Rscript|node|octave|mpirun|srun|env|time)$/;
const MAX_NAME = 60;

/** After the program: `./sim --seed {seed}` and `python3 sim.py` are both `sim`. */
export function nameOf(command: string): string {
  const words = command.split(/\s/).filter((word) => word !== '' && !word.startsWith('-'));
  const program = words.find((word) => !INTERPRETERS.test(basename(word))) ?? '';
  const [stem = ''] = basename(program).toLowerCase().split('.');
  const letters = stem.replaceAll(/[^a-z0-9]/g, '-').replaceAll(/^[^a-z]{1,99}/g, '');
  const name = letters
    .slice(0, MAX_NAME)
    .split('-')
    .filter((part) => part !== '')
    .join('-');
  return name === '' ? 'run' : name;
}
