import { Design } from '../commands/design.ts';
import type { CommandSource } from '../commands/lines.ts';
import { CommandLines, runsNothing } from '../commands/lines.ts';
import type { CommandList } from '../commands/list.ts';
import { expandTemplate, MAX_COMMAND_BYTES, MAX_STOCK_COMMAND_BYTES, writtenList } from '../commands/list.ts';
import { tableFormat } from '../commands/table.ts';
import { TableCommands } from '../commands/table-commands.ts';
import type { Origin } from './rules/paths.ts';
import { ruleFaults } from './rules/rules.ts';
import type { FaultPath } from './rules/schema-faults.ts';
import { schemaFaults, writtenNumber } from './rules/schema-faults.ts';
import type { Manifest } from './schema.ts';
import { manifestSchema } from './schema.ts';
import type { Fault } from './source/fault.ts';
import { plainValue } from './source/plain-value.ts';
import type { ManifestFormat, Source } from './source/read.ts';
import { readSource } from './source/read.ts';

export type { Manifest } from './schema.ts';
export type { ManifestFormat } from './source/read.ts';

export type ManifestResult =
  | { ok: true; manifest: Manifest; warnings: Fault[]; source: Source }
  | { ok: false; faults: Fault[]; text: string };

export interface ParseOptions {
  /** A manifest in the bucket has no folder beside it; one on a disk may name `./folder`. */
  origin?: Origin;
}

const MAX_FAULTS = 200;

/**
 * Reads and checks a manifest. Every fault at once, in the order of the text, each with its place and what is allowed.
 * Never throws; takes under half a second for any input.
 */
export function parseManifest(
  bytes: Uint8Array,
  format: ManifestFormat,
  { origin = 'bucket' }: ParseOptions = {},
): ManifestResult {
  const read = readSource(bytes, format);
  if (!read.ok) return read;
  const { source, faults: notation } = read;
  const document = plainValue(source.root);
  const parsed = manifestSchema.safeParse(document);
  const rules = ruleFaults(source, document, origin);
  const content = [
    ...(parsed.success ? [] : schemaFaults(source, parsed.error.issues, keysKnownAt)),
    ...rules.faults,
  ];
  // Where the notation itself is wrong, what it would mean is not judged.
  const isSame = (a: Fault, b: Fault) => a.line === b.line && a.column === b.column;
  const faults = [...notation, ...content.filter((fault) => !notation.some((other) => isSame(fault, other)))];
  if (parsed.success && faults.length === 0)
    return { ok: true, manifest: withZeros(parsed.data, source), warnings: rules.warnings, source };
  return { ok: false, faults: inOrder(faults).slice(0, MAX_FAULTS), text: source.text };
}

/** The run that is gone on with, and what of it is kept. */
export function resumedRun({
  resume,
}: Pick<Manifest, 'resume'>): { run: string; keep?: 'same' | undefined } | undefined {
  return typeof resume === 'string' ? { run: resume } : resume;
}

/** A bound of a range as it was written, where a number would lose its zeros: `001`, `1.0`. */
function withZeros(manifest: Manifest, source: Source): Manifest {
  const { commands } = manifest.run;
  if (commands?.matrix === undefined) return manifest;
  const asWritten = <T>(value: T, path: FaultPath) => {
    const written = writtenNumber(source, path);
    return written !== undefined && HAS_ZEROS.test(written) ? written : value;
  };
  const matrix = Object.fromEntries(
    Object.entries(commands.matrix).map(([key, values]) => {
      if (!('from' in values)) return [key, values];
      const at = ['run', 'commands', 'matrix', key];
      const { from, to, step } = values;
      const bounds = { from: asWritten(from, [...at, 'from']), to: asWritten(to, [...at, 'to']) };
      return [key, { ...bounds, step: step === undefined ? step : asWritten(step, [...at, 'step']) }];
    }),
  );
  return { ...manifest, run: { ...manifest.run, commands: { ...commands, matrix } } };
}

const HAS_ZEROS = /^-?(?:0\d{1,14}(?:\.\d{1,15})?|\d{1,15}\.(?:\d{0,14}0))$/;

/** The commands that the manifest itself holds; undefined where they are in a file, or for SIERRA. */
export function commandsOf({ name, run: { commands } }: Manifest): CommandList | undefined {
  if (commands?.list !== undefined)
    return writtenList(commands.list.filter((command) => !runsNothing(command)));
  if (commands?.template === undefined || commands.table !== undefined) return undefined;
  return expandTemplate(commands.template, new Design(commands, name));
}

/** A file that commands come from: a list of them, or a table of parameters. */
export interface CommandFile {
  key: 'file' | 'table';
  /** Beside the manifest, among the inputs, or `s3://bucket/key`. */
  path: string;
  /** Makes the commands of it. @param onLine gets each line of a list, with its number */
  source(onLine?: (line: Buffer, number: number) => void): CommandSource;
}

export function commandFileOf({ name, run: { commands, fanout } }: Manifest): CommandFile | undefined {
  const mostBytes = fanout === 'stock' ? MAX_STOCK_COMMAND_BYTES : MAX_COMMAND_BYTES;
  if (commands?.file !== undefined)
    return { key: 'file', path: commands.file, source: (onLine) => new CommandLines(mostBytes, onLine) };
  const { template, table } = commands ?? {};
  const format = tableFormat(table ?? '');
  if (template === undefined || table === undefined || format === undefined) return undefined;
  const design = { ...commands, template, format, name };
  return { key: 'table', path: table, source: () => new TableCommands(design, mostBytes) };
}

function inOrder(faults: readonly Fault[]): Fault[] {
  const seen = new Set<string>();
  return faults
    .toSorted((a, b) => a.line - b.line || a.column - b.column)
    .filter((fault) => {
      const key = `${fault.line}:${fault.column}:${fault.code}:${fault.message}`;
      if (seen.has(key)) return false;
      seen.add(key);
      return true;
    });
}

/** The keys of the schema at a path, for the nearest one. */
function keysKnownAt(path: FaultPath): readonly string[] {
  let schema: unknown = manifestSchema;
  for (const step of path) {
    schema = inner(schema);
    const shape: unknown = property(schema, 'shape');
    if (typeof step === 'string' && shape !== undefined) schema = property(shape, step);
    else schema = property(schema, 'element') ?? property(schema, 'valueType');
  }
  const found = objectAmong(inner(schema));
  return Object.keys(Object(property(found, 'shape')));
}

/** Without `optional` or a transformation around it. */
function inner(schema: unknown): unknown {
  const definition = property(property(schema, '_zod'), 'def');
  const within = property(definition, 'innerType') ?? property(definition, 'in');
  return within === undefined ? schema : inner(within);
}

/** Of a union the alternative with keys. */
function objectAmong(schema: unknown): unknown {
  const options: unknown = property(schema, 'options');
  return Array.isArray(options)
    ? options.map(inner).find((option) => property(option, 'shape') !== undefined)
    : schema;
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
