import { templateKeys } from './parameters.ts';
import type { Judged } from './rule-context.ts';
import { field } from './rule-context.ts';
import type { FaultPath } from './schema-faults.ts';

/** Where the manifest was read: from a bucket, or from a machine whose folders can be packed. */
export type Origin = 'bucket' | 'file';

/** Whether an input lies beside the manifest and is sent with it. */
export function isBeside(from: string): boolean {
  return from === '.' || from.startsWith('./');
}

/** Where inputs come from and go to; nothing is named twice. */
export function judgePaths(judged: Judged, origin: Origin): void {
  const inputs = judged.at(['inputs']);
  const targets = new Map<string, number>();
  for (const [index, input] of (Array.isArray(inputs) ? inputs : []).entries()) {
    const from: unknown = field(input, 'from');
    const to: unknown = field(input, 'to');
    if (typeof from === 'string' && isBeside(from) && origin === 'bucket') {
      judged.fault(
        ['inputs', index, 'from'],
        'local-folder',
        `${JSON.stringify(from)} is on your machine, and only the manifest came here`,
        '`sierra-batch submit`, which sends it along, or its place in a bucket: s3://bucket/prefix/',
      );
    }
    if (typeof to !== 'string') continue;
    const place = `${normalised(to)}${typeof from === 'string' ? ` ${from}` : ''}`;
    const first = targets.get(place);
    if (first === undefined) targets.set(place, index);
    else judged.fault(['inputs', index], 'double', `is the same as inputs[${first}]`);
  }
  judgeOutputs(judged);
  judgeResults(judged);
  judgeDoubles(judged, ['notify'], (value) => value);
}

/** Each task has results of its own. A table's columns are known when it is read. */
function judgeResults(judged: Judged): void {
  if (judged.at(['results']) !== undefined && judged.at(['run', 'sierra']) !== undefined)
    judged.fault(['results'], 'conflict', 'SIERRA’s stages 3 and 4 make the tables of its results');
  const known = ['task', ...templateKeys(judged).map(({ key }) => key)];
  for (const kind of ['json', 'csv']) {
    const path = judged.at(['results', kind]);
    if (typeof path !== 'string') continue;
    const used = [...path.matchAll(/\{([A-Za-z_]\w*)\}/g)].map(([, key = '']) => key);
    const unknown = used.find((key) => !known.includes(key));
    if (used.length === 0)
      judged.fault(
        ['results', kind],
        'one-for-all',
        'every task would have the same file',
        '`{key}` of a parameter, or `{task}`',
      );
    else if (unknown !== undefined && judged.at(['run', 'commands', 'table']) === undefined)
      judged.fault(
        ['results', kind],
        'unknown-parameter',
        `{${unknown}} is not a parameter`,
        known.join(', '),
      );
  }
}

/** A line for each file that is sent, in the bucket beside them. */
const INDEX = 'index.json';

/** Outputs are read by no shell: only wildcards mean what they mean there. */
function judgeOutputs(judged: Judged): void {
  const listed = judged.at(['outputs']);
  const outputs: readonly unknown[] = Array.isArray(listed) ? listed : [];
  const keys = templateKeys(judged).map(({ key }) => key);
  for (const [index, output] of outputs.entries()) {
    const path = pathOf(output);
    if (typeof path !== 'string') continue;
    const place = ['outputs', index, ...(path === output ? [] : ['path'])];
    const key = keys.find((each) => path.includes(`{${each}}`));
    if (/^~|\$(\w|[{(])/.test(path))
      judged.fault(
        place,
        'bad-value',
        `${JSON.stringify(path)}: ~ and $ are the shell’s, and no shell reads \`outputs\``,
        'a path relative to the folder that tasks start in',
      );
    else if (key !== undefined)
      judged.fault(
        place,
        'bad-value',
        `{${key}} is replaced in commands only`,
        `the folder, or a wildcard: ${path.replaceAll(`{${key}}`, '*')}`,
      );
    else if (normalised(path) === INDEX)
      judged.fault(place, 'reserved', `${INDEX} is the list of what was sent`, 'another name');
  }
  judgeDoubles(judged, ['outputs'], normalised);
  const isKept = judged.at(['run', 'keepOutput']) === 'all' || judged.at(['workspace']) !== undefined;
  if (outputs.length === 0 && !isKept && judged.map(['run']) !== undefined && !allWriteFiles(judged))
    judged.warn(
      listed === undefined ? ['run'] : ['outputs'],
      'no-outputs',
      'nothing that tasks write will be sent: name it under `outputs`, or keep what they print with `run.keepOutput: all`',
    );
}

/** Commands that all send what they print to files: whoever writes them knows where results lie. */
function allWriteFiles(judged: Judged): boolean {
  const { template, list } = judged.map(['run', 'commands']) ?? {};
  const commands: unknown[] = Array.isArray(list) ? list : [template];
  return commands.every((command) => typeof command === 'string' && command.includes('>'));
}

/** An output is a path, or a block with one. */
function pathOf(output: unknown): unknown {
  return field(output, 'path') ?? output;
}

function judgeDoubles(judged: Judged, path: FaultPath, form: (value: string) => string): void {
  const values = judged.at(path);
  const seen = new Set<string>();
  for (const [index, item] of (Array.isArray(values) ? values : []).entries()) {
    const value = pathOf(item);
    if (typeof value !== 'string') continue;
    if (seen.has(form(value)))
      judged.fault([...path, index], 'double', `${JSON.stringify(value)} is given twice`);
    seen.add(form(value));
  }
}

/** Two spellings of one path. */
function normalised(path: string): string {
  return path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
}
