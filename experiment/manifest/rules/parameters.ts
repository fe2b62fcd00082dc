import type { DesignParts } from '../../commands/design.ts';
import { MAX_EXCLUDED, MAX_REPLICATES, REPLICATE_KEYS } from '../../commands/design.ts';
import type { MatrixValues } from '../../commands/matrix.ts';
import { axisOf, MAX_COMMANDS } from '../../commands/matrix.ts';
import { isActedOn, isPlainValue } from '../../commands/quote.ts';
import { parseTemplate } from '../../commands/template.ts';
import type { Judged } from './rule-context.ts';
import { field } from './rule-context.ts';
import type { FaultPath } from './schema-faults.ts';

const COMMANDS = ['run', 'commands'];

/** A key that a template can name, and where it stands in the manifest. */
interface Parameter {
  key: string;
  path: FaultPath;
  values: unknown;
}

/** Of `matrix` and `zip`; what a table has is judged when it is read. */
function writtenParameters(judged: Judged): Parameter[] {
  return ['matrix', 'zip'].flatMap((part) =>
    Object.entries(judged.map([...COMMANDS, part]) ?? {}).map(([key, values]) => ({
      key,
      path: [...COMMANDS, part, key],
      values,
    })),
  );
}

/** Each key with the place that is to blame when the template does not have it. */
export function templateKeys(judged: Judged): { key: string; path: FaultPath }[] {
  const replicates = judged.at([...COMMANDS, 'replicates']) === undefined ? [] : REPLICATE_KEYS;
  return [
    ...writtenParameters(judged),
    ...replicates.map((key) => ({ key, path: [...COMMANDS, 'replicates'] })),
  ];
}

/** What a value would do to the commands it is put into, and keys that stand in two places. */
export function judgeParameters(judged: Judged): void {
  const seen = new Map<string, string>(
    judged.at([...COMMANDS, 'replicates']) === undefined
      ? []
      : REPLICATE_KEYS.map((key): [string, string] => [key, 'replicates']),
  );
  for (const { key, path, values } of writtenParameters(judged)) {
    const other = seen.get(key);
    if (other !== undefined) judged.keyFault(path, 'double', `{${key}} is a key of \`${other}\` as well`);
    seen.set(key, String(path.at(-2)));
    const named: [string | number, unknown][] = Array.isArray(values)
      ? [...values.entries()]
      : ['from', 'to', 'step'].map((name) => [name, field(values, name)]);
    for (const [step, value] of named) judgeValue(judged, [...path, step], value);
  }
  judgeZip(judged);
  judgeExcluded(judged);
}

function judgeValue(judged: Judged, path: FaultPath, value: unknown): void {
  if (typeof value === 'string' && /[\n\r]/.test(value))
    judged.fault(path, 'bad-value', 'a value with a line break would make two commands of one');
  if (typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER)
    judged.fault(
      path,
      'out-of-range',
      'such a number is not held exactly; write the values as a list',
      'numbers up to 9,007,199,254,740,991',
    );
}

function judgeZip(judged: Judged): void {
  const lists = Object.entries(judged.map([...COMMANDS, 'zip']) ?? {});
  const [first] = lists;
  if (first === undefined || !Array.isArray(first[1])) return;
  for (const [key, values] of lists)
    if (Array.isArray(values) && values.length !== first[1].length)
      judged.keyFault(
        [...COMMANDS, 'zip', key],
        'uneven',
        `has ${values.length} values, and ${first[0]} has ${first[1].length}`,
        'lists of one length',
      );
}

/** What leaves nothing out is a mistake: a key or a value that is spelt otherwise. */
function judgeExcluded(judged: Judged): void {
  const entries = judged.at([...COMMANDS, 'exclude']);
  if (!Array.isArray(entries)) return;
  const texts = new Map(writtenParameters(judged).map(({ key, values }) => [key, textsOf(values)]));
  const hasTable = judged.at([...COMMANDS, 'table']) !== undefined;
  const others = judged.at([...COMMANDS, 'replicates']) === undefined ? [] : REPLICATE_KEYS;
  for (const [index] of entries.slice(0, MAX_EXCLUDED).entries()) {
    const place = [...COMMANDS, 'exclude', index];
    const entry = Object.entries(judged.map(place) ?? {});
    if (entry.length === 0) judged.fault(place, 'empty', 'would leave out every combination');
    for (const [key, value] of entry) {
      const known = texts.get(key);
      if (!texts.has(key) && !hasTable && !others.includes(key))
        judged.keyFault(
          [...place, key],
          'unknown-parameter',
          `{${key}} is not a parameter`,
          [...texts.keys()].join(', '),
        );
      if (known?.has(String(value)) === false)
        judged.fault(
          [...place, key],
          'unknown-value',
          `{${key}} is never ${JSON.stringify(String(value))}, so that nothing is left out`,
          `as it is written there: ${[...known].slice(0, 10).join(', ')}`,
        );
    }
  }
}

/** All values as they are written into commands; undefined where there are none, or far too many. */
function textsOf(values: unknown): ReadonlySet<string> | undefined {
  const written = axisValues(values);
  const axis = written && axisOf(written);
  if (axis === undefined || axis.count > MAX_COMMANDS) return undefined;
  return new Set(Array.from({ length: axis.count }, (_, index) => axis.at(index)));
}

/** What the shell makes of each value where it stands; told once for each key. */
export function judgeQuoting(judged: Judged, template: string): void {
  const place = [...COMMANDS, 'template'];
  const told = new Set<string>();
  const written = new Map(writtenParameters(judged).map(({ key, values }) => [key, values]));
  for (const part of parseTemplate(template)) {
    if ('text' in part || part.as === 'raw' || told.has(part.key)) continue;
    const { key, as } = part;
    const values = written.get(key);
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

/** As much of the design as can be understood, without its table; and whether that is all of it. */
export function designOf(judged: Judged): { parts: DesignParts; isWhole: boolean } {
  const all = Object.entries(judged.map([...COMMANDS, 'matrix']) ?? {});
  const axes = all.flatMap(([key, values]) => {
    const axis = axisValues(values);
    return axis === undefined ? [] : [[key, axis] as const];
  });
  const zip = Object.entries(judged.map([...COMMANDS, 'zip']) ?? {});
  const lists = zip.flatMap(([key, values]) => (isList(values) ? [[key, values] as const] : []));
  const excluded = judged.at([...COMMANDS, 'exclude']);
  const entries: unknown[] = Array.isArray(excluded) ? excluded.slice(0, MAX_EXCLUDED) : [];
  const exclude = entries.map((_, index) =>
    Object.entries(judged.map([...COMMANDS, 'exclude', index]) ?? {}),
  );
  const replicates = judged.number([...COMMANDS, 'replicates']);
  const parts = {
    matrix: Object.fromEntries(axes),
    ...(lists.length === 0 ? {} : { zip: Object.fromEntries(lists) }),
    exclude: exclude.map((entry) =>
      Object.fromEntries(entry.map(([key, value]): [string, string] => [key, String(value)])),
    ),
    replicates,
  };
  const isWhole =
    axes.length === all.length &&
    lists.length === zip.length &&
    lists.every(([, values]) => values.length === lists[0]?.[1].length) &&
    exclude.every((entry) => entry.length > 0) &&
    (replicates === undefined
      ? judged.at([...COMMANDS, 'replicates']) === undefined
      : Number.isInteger(replicates) && replicates > 0 && replicates <= MAX_REPLICATES);
  return { parts, isWhole };
}

function axisValues(values: unknown): MatrixValues | undefined {
  if (Array.isArray(values)) return isList(values) ? values : undefined;
  const [from, to, step] = [field(values, 'from'), field(values, 'to'), field(values, 'step')];
  return typeof from === 'number' &&
    typeof to === 'number' &&
    (step === undefined || (typeof step === 'number' && step > 0))
    ? { from, to, step }
    : undefined;
}

function isList(values: unknown): values is (string | number | boolean)[] {
  return (
    Array.isArray(values) && values.every((value) => ['string', 'number', 'boolean'].includes(typeof value))
  );
}
