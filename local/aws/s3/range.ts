import { s3Error } from './service-error.ts';

export interface ByteRange {
  from: number;
  /** Inclusive; `from - 1` of an empty object. */
  to: number;
  whole: boolean;
}

/** What `Range: bytes=…` means for an object of `size` bytes. @throws InvalidRange */
export function byteRange(range: string | undefined, size: number): ByteRange {
  const whole = { from: 0, to: size - 1, whole: true };
  if (range === undefined) return whole;
  const match = /^bytes=(\d*)-(\d*)$/.exec(range);
  if (match === null || (match[1] === '' && match[2] === '')) return whole;
  const [, first = '', last = ''] = match;
  const from = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const to = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (from >= size || from > to)
    throw s3Error('InvalidRange', `the range ${range} is not satisfiable of ${size} bytes`);
  return { from, to, whole: false };
}
