/**
 * Values from `from` to `to`, both included; `step` > 0, 1 when left out. Decimals are exact. What is given as text keeps
 * its zeros: `'001'` to `'010'` are three digits wide, `'1.0'` to `'2.0'` have one decimal.
 */
export interface MatrixRange {
  from: number | string;
  to: number | string;
  step?: number | string | undefined;
}

export type MatrixValues = readonly (string | number | boolean)[] | MatrixRange;
export type Matrix = Readonly<Record<string, MatrixValues>>;

/** Of one experiment: combinations of a matrix, or lines of a list. */
export const MAX_COMMANDS = 1_000_000;

/** The values of one key as they are written into commands, each made when it is asked for; `index` from 0. */
export interface Axis {
  count: number;
  at(index: number): string;
}

/** The values of one key, counted without being made. */
export function axisOf(values: MatrixValues): Axis {
  if (isList(values)) return { count: values.length, at: (index) => String(values[index]) };
  const { from, to, step, decimals } = inUnits(values);
  const count = to < from || step <= 0n ? 0 : Number((to - from) / step) + 1;
  const zeros = zerosOf(values);
  return { count, at: (index) => unitsAsText(from + BigInt(index) * step, decimals, zeros) };
}

/** `0.1` to `0.5` in steps of `0.1` is not what floating point makes of it: all in whole units of the last decimal. */
function inUnits({ from, to, step = 1 }: MatrixRange) {
  const [a, b, c] = [decimalOf(from), decimalOf(to), decimalOf(step)];
  const decimals = Math.max(a.decimals, b.decimals, c.decimals);
  const scaled = (value: Decimal) => value.digits * 10n ** BigInt(decimals - value.decimals);
  return { from: scaled(a), to: scaled(b), step: scaled(c), decimals };
}

interface Decimal {
  digits: bigint;
  decimals: number;
}

/** A number as it is written: `1.5e-7` is 15 with 8 decimals. */
function decimalOf(value: number | string): Decimal {
  const [mantissa = '', exponent = '0'] = String(value).split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const decimals = fraction.length - Number(exponent);
  const digits = BigInt(whole + fraction);
  return decimals < 0 ? { digits: digits * 10n ** BigInt(-decimals), decimals: 0 } : { digits, decimals };
}

/** Digits before the point and decimals that every value has at least, since a bound was written with more than it needs. */
function zerosOf({ from, to, step }: MatrixRange): { digits: number; decimals: number } {
  const zeros = { digits: 1, decimals: 0 };
  for (const bound of [from, to, step]) {
    const [whole = '', fraction = ''] = typeof bound === 'string' ? bound.replace('-', '').split('.') : [];
    if (/^0\d/.test(whole)) zeros.digits = Math.max(zeros.digits, whole.length);
    if (fraction.endsWith('0')) zeros.decimals = Math.max(zeros.decimals, fraction.length);
  }
  return zeros;
}

/** Without an exponent, and without trailing zeros but those that were written. */
function unitsAsText(units: bigint, decimals: number, zeros: { digits: number; decimals: number }): string {
  const digits = String(units < 0n ? -units : units).padStart(decimals + zeros.digits, '0');
  const point = digits.length - decimals;
  let end = digits.length;
  while (end > point + zeros.decimals && digits[end - 1] === '0') end -= 1;
  const text = digits.slice(0, point) + (end > point ? `.${digits.slice(point, end)}` : '');
  return units < 0n ? `-${text}` : text;
}

function isList(values: MatrixValues): values is readonly (string | number | boolean)[] {
  return Array.isArray(values);
}
