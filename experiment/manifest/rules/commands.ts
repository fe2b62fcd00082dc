import { Design } from '../../commands/design.ts';
import { runsNothing } from '../../commands/lines.ts';
import {
  MAX_COMMAND_BYTES,
  MAX_LIST_BYTES,
  MAX_STOCK_COMMAND_BYTES,
  measureCommands,
  measureTemplate,
} from '../../commands/list.ts';
import { axisOf, MAX_COMMANDS } from '../../commands/matrix.ts';
import { nearMissesOf, nearMissesOfTemplate } from '../../commands/near-misses.ts';
import { parseTemplate } from '../../commands/template.ts';
import { nearestKey } from './did-you-mean.ts';
import { designOf, judgeParameters, judgeQuoting, templateKeys } from './parameters.ts';
import type { Judged } from './rule-context.ts';
import type { FaultPath } from './schema-faults.ts';
import { MAX_JUDGED } from './schema-faults.ts';

/** A list, a file, or a template with its matrix, and how long its commands come out. */
export function judgeCommands(judged: Judged): void {
  const commands = judged.map(['run', 'commands']);
  if (commands === undefined) return;
  const { template, list, file, table } = commands;
  judgeParameters(judged);
  const keys = templateKeys(judged);
  if (typeof template === 'string' && (keys.length > 0 || table !== undefined)) {
    judgeKeys(judged, template, keys);
    judgeQuoting(judged, template);
    const variables = Object.keys(judged.map(['environment']) ?? {});
    const names = keys.map(({ key }) => key);
    for (const miss of nearMissesOfTemplate(template, names, variables))
      judged.warn(['run', 'commands', 'template'], 'near-miss', miss);
    warnOfCommand(judged, template, ['run', 'commands', 'template']);
    judgeCombinations(judged, template);
  }
  if (Array.isArray(list) && list.every((item) => typeof item === 'string')) {
    if (list.length > 0 && list.every(runsNothing))
      judged.fault(['run', 'commands', 'list'], 'no-commands', 'no line of it is a command');
    measureList(judged, list, (seq) => ['run', 'commands', 'list', seq - 1]);
    for (const [at, command] of list.entries())
      warnOfCommand(judged, command, ['run', 'commands', 'list', at]);
  }
  judgePlace(judged, 'file', file);
  judgePlace(judged, 'table', table);
}

/** A file beside the manifest, among the inputs, or in a bucket. */
function judgePlace(judged: Judged, key: string, path: unknown): void {
  if (
    typeof path === 'string' &&
    !/^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\/.*[^/]$/.test(path) &&
    (/^\/|:\/\/|[\n\r]|\/$/.test(path) || path.split('/').includes('..'))
  )
    judged.fault(
      ['run', 'commands', key],
      'bad-value',
      `${JSON.stringify(path)} is not allowed`,
      'a relative path without `..`, or s3://bucket/key',
    );
}

/** The comment that YAML takes a part of a command for, and what a command may have by mistake. */
function warnOfCommand(judged: Judged, command: string, path: FaultPath): void {
  for (const { message } of nearMissesOf(command)) judged.warn(path, 'near-miss', message);
  const comment = judged.commentBehind(path);
  if (comment !== undefined && (/^#\S/.test(comment) || hasOpenQuote(command)))
    judged.warn(
      path,
      'comment',
      `what stands behind # is a comment in YAML: the command is \`${command.slice(0, 80)}\`; put it in quotes`,
    );
}

function hasOpenQuote(command: string): boolean {
  return command.split("'").length % 2 === 0 || command.split('"').length % 2 === 0;
}

/** What the template and its parameters call by different names. A table's columns are known when it is read. */
function judgeKeys(
  judged: Judged,
  template: string,
  parameters: readonly { key: string; path: FaultPath }[],
): void {
  const path = ['run', 'commands', 'template'];
  const keys = parameters.map(({ key }) => key);
  const known = new Set(keys);
  const used = new Set(parseTemplate(template).flatMap((part) => ('key' in part ? [part.key] : [])));
  const hasTable = judged.at(['run', 'commands', 'table']) !== undefined;
  const unknown = hasTable ? [] : [...used].filter((key) => !known.has(key)).slice(0, MAX_JUDGED);
  for (const key of unknown) {
    const suggestion = nearestKey(key, keys);
    const known = keys.slice(0, MAX_JUDGED).map((each) => `{${each}}`);
    judged.add(path, {
      code: 'unknown-template-key',
      message: `{${key}} is not a parameter`,
      allowed: `${known.join(', ')}, and {{${key}}} for the text {${key}}`,
      ...(suggestion === undefined ? {} : { suggestion }),
    });
  }
  // Of the keys that replicates give one is enough.
  const places = Map.groupBy(parameters, ({ path }) => path.join('.'));
  const unused = [...places.values()].filter((given) => !given.some(({ key }) => used.has(key)));
  const [ofParallel] = /\{(?:\d{0,3}|[./%#]|\/\/|\/\.)\}/.exec(template) ?? [];
  const hint = ofParallel === undefined ? '' : `; ${ofParallel} is GNU parallel’s: write {${keys[0]}}`;
  for (const given of unused.slice(0, MAX_JUDGED))
    judged.keyFault(
      given[0]?.path ?? path,
      'unused-key',
      `${given.map(({ key }) => `{${key}}`).join(' or ')} is not used in the template${hint}`,
    );
}

/** How many commands there are, and how long: told of as much of the design as there is to be understood. */
function judgeCombinations(judged: Judged, template: string): void {
  const { parts, isWhole } = designOf(judged);
  for (const [key, values] of Object.entries(parts.matrix ?? {}))
    if (!Array.isArray(values) && axisOf(values).count === 0)
      judged.fault(['run', 'commands', 'matrix', key], 'empty-range', 'has no value: `to` is below `from`');
  if (!isWhole) return;
  const design = new Design(parts, String(judged.at(['name'])));
  const total = design.whole;
  if (total > MAX_COMMANDS)
    judged.fault(
      ['run', 'commands', parts.matrix === undefined ? 'template' : 'matrix'],
      'too-many',
      `${total > 1e15 ? 'far too many' : total.toLocaleString('en')} combinations, and at most ${MAX_COMMANDS.toLocaleString('en')} are allowed`,
    );
  else if (total > 0) measureAll(judged, template, design);
}

function measureAll(judged: Judged, template: string, design: Design): void {
  const { total, longest, bytes, values } = measureTemplate(template, design);
  const { most, because } = mostBytes(judged);
  const hasTable = judged.at(['run', 'commands', 'table']) !== undefined;
  if (total === 0 && !hasTable)
    judged.fault(['run', 'commands', 'exclude'], 'no-commands', 'leaves out every combination');
  if (longest > most)
    judged.fault(
      ['run', 'commands', 'template'],
      'command-too-long',
      `the longest command has ${longest.toLocaleString('en')} bytes`,
      `at most ${most.toLocaleString('en')}${because}`,
    );
  judgeListBytes(judged, Math.max(bytes, values));
}

function measureList(judged: Judged, lines: Iterable<string>, place: (seq: number) => FaultPath): void {
  const { most, because } = mostBytes(judged);
  const sizes = measureCommands(lines, most);
  for (const { seq, bytes } of sizes.tooLong) {
    judged.fault(
      place(seq),
      'command-too-long',
      `command ${seq} has ${bytes.toLocaleString('en')} bytes`,
      `at most ${most.toLocaleString('en')}${because}`,
    );
  }
  judgeListBytes(judged, sizes.bytes);
}

function mostBytes(judged: Judged): { most: number; because: string } {
  return judged.at(['run', 'fanout']) === 'stock'
    ? {
        most: MAX_STOCK_COMMAND_BYTES,
        because: ' with fanout: stock, which is GNU parallel’s limit over ssh',
      }
    : { most: MAX_COMMAND_BYTES, because: '' };
}

function judgeListBytes(judged: Judged, bytes: number): void {
  if (bytes > MAX_LIST_BYTES)
    judged.fault(['run', 'commands'], 'too-large', 'the commands have over 1 GiB in all');
}
