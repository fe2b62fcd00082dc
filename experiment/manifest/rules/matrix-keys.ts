import type { Matrix, MatrixValues } from '../../commands/matrix.ts';
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
