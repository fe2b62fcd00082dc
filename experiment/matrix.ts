/** Values from `from` to `to`, both included; `step` > 0, 1 when left out. Decimals are exact. */
interface MatrixRange {
  from: number;
  to: number;
  step?: number | undefined;
}

export type MatrixValues = readonly (string | number | boolean)[] | MatrixRange;
export type Matrix = Readonly<Record<string, MatrixValues>>;

export const MOST_COMBINATIONS = 1_000_000;

/** How many values there are, without making them. */
export function countValues(values: MatrixValues): number {
  if (isList(values)) return values.length;
  const { from, step, to } = scaled(values);
  return to < from ? 0 : Math.floor((to - from) / step + 1e-9) + 1;
}

/** How many combinations a matrix has; Infinity when there are too many to count. */
export function countCombinations(matrix: Matrix): number {
  return Object.values(matrix).reduce((product, values) => product * countValues(values), 1);
}

/** Value number `index` (from 0) as it is written into a command. */
export function valueAt(values: MatrixValues, index: number): string {
  if (isList(values)) return String(values[index]);
  const { from, step, decimals } = scaled(values);
  return unscaled(from + index * step, decimals);
}

/** `0.1` to `0.5` in steps of `0.1` is not what floating point makes of it: counts in units of the last decimal. */
function scaled({ from, to, step = 1 }: MatrixRange): {
  from: number;
  to: number;
  step: number;
  decimals: number;
} {
  const decimals = Math.max(decimalsOf(from), decimalsOf(step));
  const unit = 10 ** decimals;
  return { from: Math.round(from * unit), to: to * unit + 1e-6, step: Math.round(step * unit), decimals };
}

function unscaled(units: number, decimals: number): string {
  return String(Number((units / 10 ** decimals).toFixed(decimals)));
}

function decimalsOf(value: number): number {
  const [mantissa = '', exponent = '0'] = String(value).split('e');
  return Math.max(0, Math.min(15, (mantissa.split('.')[1]?.length ?? 0) - Number(exponent)));
}

function isList(values: MatrixValues): values is readonly (string | number | boolean)[] {
  return Array.isArray(values);
}
