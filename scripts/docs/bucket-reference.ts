import * as z from 'zod';
import type { BucketRecord } from '../../experiment/bucket/catalogue.ts';
import { BUCKET_RECORDS } from '../../experiment/bucket/catalogue.ts';

const HEAD = `# What is in the bucket

Made from \`experiment/records/\` by \`node scripts/docs/schema.ts\`; do not edit. Every record below is parsed in one place,
with bounds on its size before it is read and on every field. What does not parse is as good as absent. Keys that a reader
does not know are ignored, so that images and functions of different months read each other's records. Times are ISO 8601
in UTC, or milliseconds since the epoch where they are numbers.

What \`nodes\` or \`maintenance jobs\` write, any task of any run may have written: tasks have their role. The bucket's policy
denies that role everything else under \`runs/\`.

| object | what it is | written by | read up to |
|---|---|---|---|
`;

/** docs/bucket.md */
export function bucketReference(): string {
  const rows = BUCKET_RECORDS.map(
    ({ key, holds, writers, maxBytes }) =>
      `| \`${key}\` | ${holds} | ${writers.join(', ')} | ${maxBytes === undefined ? '' : bytesOf(maxBytes)} |\n`,
  );
  return `${HEAD}${rows.join('')}${BUCKET_RECORDS.map(fieldsOf).join('')}`;
}

function fieldsOf({ key, schema }: BucketRecord): string {
  if (schema === undefined) return '';
  const lines = linesOf(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }), '');
  return `\n## \`${key}\`\n\n| field | what it may be |\n|---|---|\n${lines.map(([name, what]) => `| ${name === '' ? 'the whole' : `\`${name}\``} | ${what} |\n`).join('')}`;
}

type Schema = z.core.JSONSchema.BaseSchema;

/** A row for each field, at any depth; parts of a list are named `[]`, those of one of several shapes `<its kind>`. */
function linesOf(schema: Schema, name: string): [name: string, what: string][] {
  const shapes = schema.oneOf ?? schema.anyOf;
  if (shapes?.some((shape) => isSchema(shape) && shape.properties !== undefined))
    return shapes.flatMap((shape) => (isSchema(shape) ? linesOf(shape, `${name}${kindOf(shape)}`) : []));
  if (isSchema(schema.items))
    return [
      [name, wordsOf(schema)],
      ...linesOf(schema.items, `${name}[]`).slice(isPlain(schema.items) ? 1 : 0),
    ];
  if (schema.properties === undefined) return [[name, wordsOf(schema)]];
  return Object.entries(schema.properties).flatMap(([key, part]) => {
    if (!isSchema(part)) return [];
    const mark = schema.required?.includes(key) === true ? '' : '?';
    return linesOf(part, name === '' ? `${key}${mark}` : `${name}.${key}${mark}`);
  });
}

function wordsOf(schema: Schema): string {
  const { type, items, enum: values, const: only, anyOf } = schema;
  if (only !== undefined) return `\`${JSON.stringify(only)}\``;
  if (values !== undefined) return values.map((value) => `\`${JSON.stringify(value)}\``).join(', ');
  if (anyOf !== undefined) return anyOf.flatMap((one) => (isSchema(one) ? wordsOf(one) : [])).join(', or ');
  if (type === 'array')
    return `list of ${isSchema(items) && isPlain(items) ? wordsOf(items) : 'these'}${schema.maxItems === undefined ? '' : `, at most ${schema.maxItems.toLocaleString('en')}`}`;
  if (type === 'string') return textWords(schema);
  if (type === 'integer' || type === 'number') return numberWords(schema);
  return type === undefined ? 'anything; what is not understood is left out' : String(type);
}

function textWords({ format, maxLength }: Schema): string {
  const form = format === undefined ? '' : ` (${format})`;
  return `text${form}${maxLength === undefined ? '' : ` of at most ${maxLength.toLocaleString('en')} characters`}`;
}

function numberWords({ type, minimum }: Schema): string {
  const least = minimum === undefined || minimum < 0 ? '' : ` from ${minimum}`;
  return `${type === 'integer' ? 'whole number' : 'number'}${least}`;
}

function isPlain(schema: Schema): boolean {
  return schema.properties === undefined && schema.oneOf === undefined && schema.anyOf === undefined;
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function kindOf({ properties }: Schema): string {
  const kind = properties?.kind;
  return isSchema(kind) && kind.const !== undefined ? `<${kind.const}>` : '';
}

function bytesOf(bytes: number): string {
  return bytes >= 1024 * 1024 ? `${bytes / 1024 / 1024} MiB` : `${bytes / 1024} KiB`;
}
