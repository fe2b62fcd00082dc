import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ResultsPlan } from '../../../experiment/results/result-fields.ts';
import {
  parseResultLine,
  renderResultLine,
  resultFields,
  resultPath,
} from '../../../experiment/results/result-fields.ts';

describe('the results of a task', () => {
  it.each<[ResultsPlan, string, unknown]>([
    [
      { from: 'json' },
      '{"a": 1.5, "b": "x", "c": true, "d": null, "e": [1], "f": {}}',
      { a: 1.5, b: 'x', c: true, d: null },
    ],
    [
      { from: 'json', fields: ['s.mean', 'gone', 'a.b'] },
      '{"s": {"mean": 2}, "a.b": 3}',
      { 's.mean': 2, 'a.b': 3 },
    ],
    // A column's name with a line end would pass for rows of a table.
    [{ from: 'json' }, '{"a\\n9 ok": 1, "b\\u001b": 2, "c d": 3}', { 'c d': 3 }],
    [{ from: 'json' }, '[1]', undefined],
    [{ from: 'json' }, '{"a": ', undefined],
    [{ from: 'json' }, '', undefined],
    [{ from: 'stdout' }, 'working\n{"a": 1}\nmore\n{"a": 2}\n', { a: 2 }],
    [{ from: 'stdout' }, '{\n "a": 1\n}\n', { a: 1 }],
    [{ from: 'stdout' }, 'done\n', undefined],
    [{ from: 'csv' }, 'a,"b c"\n1,2\n3.0,"x, ""y"""\r\n\n', { a: '3.0', 'b c': 'x, "y"' }],
    [{ from: 'csv', fields: ['a'] }, 'a,b\n1,2\n', { a: '1' }],
    // As pandas writes a table with its index.
    [{ from: 'csv' }, ',a,b\n0,1,2\n', { a: '1', b: '2' }],
    [{ from: 'csv' }, 'a,b\n', undefined],
    [{ from: 'csv' }, 'a,b\n1\n', undefined],
    [{ from: 'json' }, '{"__proto__": 1, "toString": 2}', { toString: 2 }],
  ])('%j of %j', (plan, text, expected) => {
    const found = resultFields(text, plan);
    expect(found && Object.entries(found)).toEqual(expected && Object.entries(Object(expected)));
  });

  it('are one line of a record that is read as it was written', () => {
    const cell = fc.oneof(fc.string(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean());
    fc.assert(
      fc.property(
        fc.integer({ min: 1 }),
        fc.dictionary(
          fc.string({ minLength: 1 }).filter((name) => name !== '__proto__'),
          cell,
        ),
        (seq, fields) => {
          const line = renderResultLine(seq, fields);
          expect(line.indexOf('\n')).toBe(line.length - 1);
          expect(parseResultLine(line)).toEqual(JSON.parse(JSON.stringify({ seq, fields })));
        },
      ),
    );
    for (const line of [
      '',
      '[1]',
      '[1,{"a\\nb":1}]',
      '[0,{}]',
      '[1,{"a":[]}]',
      '{"seq":1}',
      `[1,{"a":"${'x'.repeat(1001)}"}]`,
    ])
      expect(parseResultLine(line)).toBeUndefined();
  });

  it('stand under a path of the task', () => {
    const path = resultPath('out/{a}/{task}-{b}.json', ['b', 'a'], {
      seq: 7,
      values: ['x y', '01'],
    });
    expect(path).toBe('out/01/7-x y.json');
  });
});
