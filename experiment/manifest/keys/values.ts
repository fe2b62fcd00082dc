import * as z from 'zod';
import { parseDuration } from '../../text/duration.ts';
import { grouped } from '../../text/numbers.ts';
import { parseSize } from '../../text/size.ts';

/** Kinds of values. Each has one sentence for whatever is wrong: what is allowed there. */

export const MINUTE = 60;
export const DAY = 86_400;
/** Of the largest instances of EC2. */
export const MAX_VCPUS = 1920;
const MAX_MEBIBYTES = 32 * 1024 * 1024;

/** A key that may be left out. @param words what it is for */
export const optional = <Kind extends z.ZodType>(kind: Kind, words: string) =>
  kind.describe(words).optional();

export const matching = (form: RegExp, error: string) => z.string({ error }).regex(form, { error });

export const oneOf = <const Names extends readonly [string, string, ...string[]]>(...names: Names) =>
  z.enum(names, { error: `${names.slice(0, -1).join(', ')} or ${names.at(-1)}` });

export const whole = (min: number, max: number) => {
  const error = `a whole number from ${grouped(min)} to ${grouped(max)}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
};

export const positive = () => {
  const error = 'a number over zero';
  return z.number({ error }).positive({ error });
};

export const text = (what: string, most = 4096) =>
  z
    .string({ error: what })
    .min(1, { error: what })
    .max(most, { error: `${what}, at most ${grouped(most)} characters` });

export const name = () =>
  matching(
    /^[a-z](?:[a-z0-9-]{0,58}[a-z0-9])?$/,
    'lower case letters, digits and hyphens, beginning with a letter, not ending with a hyphen, at most 60',
  );

/** The largest instance of EC2 has 32 TiB; Batch takes no less than 4 MiB. */
export const size = (min: number) => {
  const error = `a whole size from ${min}MiB to 32TiB, such as 512MiB, 8GiB or 1TiB`;
  return matching(/^\d{1,9}(MiB|GiB|TiB)$/, error)
    .refine((value) => within(parseSize(value), min, MAX_MEBIBYTES), { error })
    .transform((value) => parseSize(value) ?? 0);
};

export const duration = (min: number, max: number, range: string) => {
  const error = `a duration such as 90s, 10m, 1h30m or 2d${range}`;
  return matching(/^(?=\d)(\d{1,9}d)?(\d{1,9}h)?(\d{1,9}m)?(\d{1,9}s)?$/, error)
    .refine((value) => within(parseDuration(value), min, max), { error })
    .transform((value) => parseDuration(value) ?? 0);
};

const within = (value: number | undefined, min: number, max: number) =>
  value === undefined || (value >= min && value <= max);

export const RELATIVE = 'a relative path without `..`';
export const relativePath = () =>
  matching(/^(?!\/)(?!(?:[^\n\r]*\/)?\.\.(?:\/|$))[^\n\r]+$/, RELATIVE).max(1024, { error: RELATIVE });

export const commandLine = () => matching(/^[^\n\r]+$/, 'one line of text, not empty');

/** Of a variable or a parameter. */
export const identifier = () =>
  z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, {
    error: 'letters, digits and underscores, not beginning with a digit',
  });
