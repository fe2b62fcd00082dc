import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BadList } from '../../../experiment/commands/lines.ts';
import type { TableFormat } from '../../../experiment/commands/table.ts';
import { TableRows } from '../../../experiment/commands/table.ts';
import { TableCommands } from '../../../experiment/commands/table-commands.ts';

/** The rows, read in blocks of a few bytes. */
function read(format: TableFormat, text: string, size = 3): string[][] {
  const table = new TableRows(format);
  const bytes = Buffer.from(text);
  const blocks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
    bytes.subarray(at * size, (at + 1) * size),
  );
  const rows = [...blocks.flatMap((block) => [...table.take(block)]), ...table.end()];
  return [[...table.columns], ...rows.map((cells) => cells.map(({ text }) => text))];
}

const header = fc.uniqueArray(fc.stringMatching(/^[A-Za-z_]\w{0,5}$/), { minLength: 1, maxLength: 4 });
const cell = fc.oneof(
  fc.stringMatching(/^[\w.+-]{1,6}$/),
  fc.string({ unit: 'grapheme', maxLength: 6 }).map((text) => text.replaceAll(/\p{Cc}/gu, '')),
  fc.constantFrom('', '"', '""', ',', ' a ', '007', '1.0'),
);
const table = header.chain((names) =>
  fc.tuple(
    fc.constant(names),
    fc.array(fc.array(cell, { minLength: names.length, maxLength: names.length }), { maxLength: 5 }),
  ),
);

describe('a table of parameters', () => {
  it('is read as CSV was written, wherever blocks are cut', () => {
    const quote = (text: string) => `"${text.replaceAll('"', '""')}"`;
    fc.assert(
      fc.property(table, fc.integer({ min: 1, max: 9 }), fc.boolean(), ([names, rows], size, isWindows) => {
        const lines = [names.join(','), ...rows.map((row) => row.map(quote).join(','))];
        const text = isWindows ? `\ufeff${lines.join('\r\n')}\r\n` : lines.join('\n');
        expect(read('csv', text, size)).toEqual([names, ...rows]);
      }),
    );
  });

  it('is read as JSON lines were written', () => {
    fc.assert(
      fc.property(table, fc.integer({ min: 1, max: 9 }), ([names, rows], size) => {
        fc.pre(rows.length > 0);
        const lines = rows.map((row) =>
          JSON.stringify(Object.fromEntries(names.map((n, at) => [n, row[at]]))),
        );
        const [found = [], ...cells] = read('jsonl', lines.join('\n'), size);
        expect(found.toSorted()).toEqual(names.toSorted());
        expect(cells).toEqual(rows.map((row) => found.map((name) => row[names.indexOf(name)])));
      }),
    );
  });

  it('keeps numbers as they are written, and passes over blank lines', () => {
    expect(read('csv', 'a,b\n\n1.0,007\n')).toEqual([
      ['a', 'b'],
      ['1.0', '007'],
    ]);
    expect(read('jsonl', '{"a": 1.0, "b": true}\n\n{"b" : 1e-3 , "a":"x"}')).toEqual([
      ['a', 'b'],
      ['1.0', 'true'],
      ['x', '1e-3'],
    ]);
  });

  it.each<[TableFormat, string, string]>([
    ['csv', '', 'it is empty'],
    ['csv', ',a\n0,1\n', 'line 1, column 1: a column has no name'],
    ['csv', '# a,b\n1,2\n', 'line 1, column 1: "# a" is no name of a parameter'],
    ['csv', 'a, b\n', 'line 1, column 3: blanks around "b"'],
    ['csv', 'a,a\n', 'line 1, column 3: a is given twice'],
    ['csv', 'a,b\n1,2\n3\n', 'line 3, column 2: the value of b is missing'],
    ['csv', 'a,b\n1,2,3\n', 'line 2, column 5: 3 values, and the header has 2 names'],
    ['csv', 'a,b\n1,\n', 'line 2, column 3: b has no value'],
    ['csv', 'a\n"x\ny"\n', 'line 2, column 1: the quote is not closed'],
    ['csv', 'a\n"x"y\n', 'line 2, column 4: only a comma'],
    ['csv', 'a\nx"y\n', 'line 2, column 1: a value with a quote'],
    ['csv', 'a\nx\0y\n', 'line 2, column 2: a character that cannot be seen'],
    ['jsonl', '[1]\n', 'line 1, column 1: an object'],
    ['jsonl', '{"a": null}\n', 'line 1, column 7: a text, a number'],
    ['jsonl', '{"a": 1}\n{"b": 1}\n', 'line 2, column 7: b is not a key of the first line'],
    ['jsonl', '{"a": 1, "b": 1}\n{"b": 1}\n', 'line 2, column 8: the value of a is missing'],
    ['jsonl', '{"a": 1, "a": 2}\n', 'line 1, column 10: a key is given twice'],
    ['jsonl', '{"a": "x\\ny"}\n', 'line 1, column 7: a value with a line break'],
    ['jsonl', '{"a": 1} 2\n', 'line 1, column 10: nothing may stand behind'],
  ])('%s %j: %s', (format, text, said) => {
    expect(() => read(format, text)).toThrow(said);
    expect(() => read(format, text)).toThrow(BadList);
  });

  it('that is no UTF-8 is a fault, and so is a row without an end', () => {
    const rows = new TableRows('csv');
    expect(() => [...rows.take(Buffer.from('a\n\xff\n', 'latin1'))]).toThrow('line 2 is not UTF-8 text');
    expect(() => [...new TableRows('csv').take(Buffer.alloc(300 * 1024, 'a'))]).toThrow('line 1 has over');
  });
});

describe('commands of a table', () => {
  const commands = (given: Partial<ConstructorParameters<typeof TableCommands>[0]>, text: string) => {
    const made = new TableCommands(
      { template: './sim {a} {b}', format: 'csv', name: 'sweep', ...given },
      100,
    );
    const lines = Buffer.concat([...made.take(Buffer.from(text)), ...made.end()]).toString();
    expect({ total: made.total, bytes: made.bytes }).toEqual({
      total: lines.split('\n').length - 1,
      bytes: Buffer.byteLength(lines),
    });
    return lines;
  };

  it('are its rows, quoted for the shell and crossed with the matrix, without what is excluded', () => {
    expect(commands({}, 'a,b\n1,x y\n2,"it\'s"\n')).toBe("./sim 1 'x y'\n./sim 2 'it'\\''s'\n");
    expect(commands({ matrix: { b: [1, 2] }, exclude: [{ a: '2', b: 1 }] }, 'a\n1\n2\n')).toBe(
      './sim 1 1\n./sim 1 2\n./sim 2 2\n',
    );
  });

  it.each([
    [{}, 'a,c\n1,2\n', '{b} of the template is no column of it: a, c'],
    [{}, 'a,b,c\n1,2,3\n', 'line 1: {c} is not used in the template'],
    [{ matrix: { a: [1] } }, 'a,b\n1,2\n', 'line 1: a is a key of the manifest as well'],
    [{ exclude: [{ d: 1 }] }, 'a,b\n1,2\n', 'd of run.commands.exclude is no column of it'],
    [{ exclude: [{ a: 1 }] }, 'a,b\n1,2\n', 'it makes no command'],
    [{ template: 'bash -c "sim {a} {b}"' }, 'a,b\n1,x y\n', 'line 2, column 3: {b} stands where the shell'],
    [{}, `a,b\n1,2\n1,${'x'.repeat(100)}\n`, 'line 3, column 1: the command has 108 bytes'],
  ])('%j of %j: %s', (given, text, said) => {
    expect(() => commands(given, text)).toThrow(said);
  });
});

it('commands of a large table come in blocks, each once', () => {
  const commands = new TableCommands({ template: 'run {a}', name: 'n', format: 'csv' }, 100_000);
  const cells = Array.from({ length: 12 }, (_, at) => `${at}${'x'.repeat(50_000)}`);
  const blocks = [...commands.take(Buffer.from(`a\n${cells.join('\n')}\n`)), ...commands.end()];
  expect(blocks.length).toBeGreaterThan(2);
  expect(Buffer.concat(blocks).toString()).toBe(cells.map((cell) => `run ${cell}\n`).join(''));
});
