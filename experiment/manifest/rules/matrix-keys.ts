import type { Matrix, MatrixValues } from '../../commands/matrix.ts';
import { isActedOn, isPlainValue } from '../../commands/quote.ts';
import { parseTemplate } from '../../commands/template.ts';
import type { Judged } from './rule-context.ts';
import { field } from './rule-context.ts';

/** What a value would do to the commands it is put into. */
export function judgeMatrixValues(judged: Judged): void {
  for (const [key, values] of Object.entries(judged.map(['run', 'commands', 'matrix']) ?? {})) {
    const path = ['run', 'commands', 'matrix', key];
    const named: [string | number, unknown][] = Array.isArray(values)
      ? [...values.entries()]
      : ['from', 'to', 'step'].map((name) => [name, field(values, name)]);
    for (const [step, value] of named) {
      if (typeof value === 'string' && /[\n\r]/.test(value))
        judged.fault(
          [...path, step],
          'bad-value',
          'a value with a line break would make two commands of one',
        );
      if (typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER)
        judged.fault(
          [...path, step],
          'out-of-range',
          'such a number is not held exactly; write the values as a list',
          'numbers up to 9,007,199,254,740,991',
        );
    }
  }
}

/** What the shell makes of each value where it stands; told once for each key. */
export function judgeQuoting(judged: Judged, template: string): void {
  const place = ['run', 'commands', 'template'];
  const told = new Set<string>();
  for (const part of parseTemplate(template)) {
    if ('text' in part || part.as === 'raw' || told.has(part.key)) continue;
    const { key, as } = part;
    const values = judged.at(['run', 'commands', 'matrix', key]);
    const texts = (Array.isArray(values) ? values : []).map(String);
    const odd = texts.find((value) => (as === 'plain-only' ? !isPlainValue(value) : isActedOn(value, as)));
    if (odd === undefined) continue;
    told.add(key);
    const shown = JSON.stringify(odd.length > 40 ? `${odd.slice(0, 40)}…` : odd);
    if (as === 'plain-only')
      judged.fault(
        place,
        'not-plain',
        `{${key}} stands where the shell reads a second time, so it cannot be quoted for ${shown}; {${key}:raw} pastes it as it is`,
        'letters, digits and _ . / : = @ % + , - there',
      );
    else
      judged.warn(
        place,
        'quoted-value',
        /\s/.test(odd)
          ? `{${key}} is one argument, also for ${shown}; for several write {${key}:raw}`
          : `{${key}} is ${shown} as it stands; for what the shell makes of it write {${key}:raw}`,
      );
  }
}

/** The keys of the matrix that have values, and whether all have. */
export function matrixOf(judged: Judged): { axes: Matrix; isWhole: boolean } {
  const all = Object.entries(judged.map(['run', 'commands', 'matrix']) ?? {});
  const axes = all.flatMap(([key, values]) => {
    const axis = axisValues(values);
    return axis === undefined ? [] : [[key, axis] as const];
  });
  return { axes: Object.fromEntries(axes), isWhole: axes.length === all.length };
}

function axisValues(values: unknown): MatrixValues | undefined {
  if (Array.isArray(values))
    return values.every((value) => ['string', 'number', 'boolean'].includes(typeof value))
      ? values
      : undefined;
  const [from, to, step] = [field(values, 'from'), field(values, 'to'), field(values, 'step')];
  return typeof from === 'number' &&
    typeof to === 'number' &&
    (step === undefined || (typeof step === 'number' && step > 0))
    ? { from, to, step }
    : undefined;
}
