import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseManifest } from '../../../experiment/manifest/parse.ts';
import type { CorpusCase } from './corpus-cases.ts';
import { corpusCases } from './corpus-cases.ts';

// What an editor tells while somebody types: another validator, with the schema as it is published.
const published: unknown = JSON.parse(
  readFileSync(new URL('../../../docs/schema/manifest.schema.json', import.meta.url), 'utf8'),
);
const validate = new Ajv({
  strict: true,
  strictRequired: false,
  allowUnionTypes: true,
  allErrors: true,
}).compile(Object(published));

/** Read by the library alone, as an editor would. */
function documentOf({ format, text }: CorpusCase): unknown {
  return format === 'json'
    ? JSON.parse(text)
    : parse(text, { version: '1.2', schema: 'core', uniqueKeys: false });
}

/** Faults that a schema can know of; what is between keys, or in the text of a value, it does not. */
const STRUCTURAL = new Set(['unknown-key', 'missing', 'wrong-type', 'null']);

const structural = corpusCases('malformed').filter((each) => {
  const result = parseManifest(Buffer.from(each.text), each.format);
  return (
    !result.ok && result.faults.some(({ code }) => STRUCTURAL.has(code)) && !each.name.startsWith('tag-')
  );
});

describe('docs/schema/manifest.schema.json', () => {
  // JSON knows no infinity; the word `.inf` is a text to us and a number to an editor.
  const finite = corpusCases('valid').filter(({ text }) => !text.includes(': .inf'));
  it.each(finite)('takes $topic/$name', (each) => {
    validate(documentOf(each));
    expect(validate.errors ?? []).toEqual([]);
  });

  it.each(structural)('refuses $topic/$name', (each) => {
    expect(validate(documentOf(each))).toBe(false);
  });

  it('is asked about many', () => {
    expect(structural.length).toBeGreaterThan(60);
  });

  it.each([
    [{ nodes: 0 }, 'cluster'],
    [{ nodes: 1, vcpus: 1921 }, 'cluster'],
    [{ nodes: 1, memory: '8GB' }, 'cluster'],
    [['../up'], 'outputs'],
    [['/tmp'], 'outputs'],
    [[{ from: '/data', to: 'x' }], 'inputs'],
    [[{ from: './a/../../b', to: 'x' }], 'inputs'],
    ['Upper', 'workspace'],
    ['sweep-123', 'resume'],
    [{ run: '5 minutes' }, 'timeouts'],
    [{ 'A-B': 1 }, 'environment'],
    [{ attempts: 11 }, 'retry'],
    [['sometimes'], 'notify'],
    [{ commands: { list: ['a\nb'] } }, 'run'],
    [{ commands: { list: ['a'], file: 'b' } }, 'run'],
    [{ commands: { list: ['a'] }, sierra: { args: [] } }, 'run'],
  ])('refuses %j as %s', (value, key) => {
    const good = {
      apiVersion: 'sierra-batch/v1',
      name: 'a',
      cluster: { nodes: 1 },
      run: { commands: { list: ['a'] } },
    };
    expect(validate(good)).toBe(true);
    expect(validate({ ...good, [key]: value })).toBe(false);
  });

  it('tells of every key what it is for, for completion', () => {
    const told = Object.entries(Object(Object(published).properties)).map(([key, schema]) => [
      key,
      Object(schema).description,
    ]);
    expect(told.filter(([, description]) => typeof description !== 'string')).toEqual([]);
    expect(told.length).toBeGreaterThan(14);
  });
});
