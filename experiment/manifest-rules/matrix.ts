import type { Matrix } from '../matrix.ts';
import type { Judged } from './judged.ts';
import { field } from './judged.ts';

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

/** The matrix, or undefined while it is not one. */
export function matrixOf(judged: Judged): Matrix | undefined {
  const matrix = judged.map(['run', 'commands', 'matrix']);
  if (matrix === undefined) return undefined;
  const entries: [string, Matrix[string]][] = [];
  for (const [key, values] of Object.entries(matrix)) {
    if (Array.isArray(values)) {
      if (!values.every((value) => ['string', 'number', 'boolean'].includes(typeof value))) return undefined;
      entries.push([key, values]);
      continue;
    }
    const [from, to, step] = [field(values, 'from'), field(values, 'to'), field(values, 'step')];
    if (
      typeof from !== 'number' ||
      typeof to !== 'number' ||
      (step !== undefined && !(typeof step === 'number' && step > 0))
    )
      return undefined;
    entries.push([key, { from, to, step }]);
  }
  return Object.fromEntries(entries);
}
