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
  judgeDoubles(judged, ['outputs'], normalised);
  judgeDoubles(judged, ['notify'], (value) => value);
}

function judgeDoubles(judged: Judged, path: FaultPath, form: (value: string) => string): void {
  const values = judged.at(path);
  const seen = new Set<string>();
  for (const [index, value] of (Array.isArray(values) ? values : []).entries()) {
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
