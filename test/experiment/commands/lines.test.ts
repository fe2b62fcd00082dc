import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BadList, CommandLines } from '../../../experiment/commands/lines.ts';

function read(blocks: readonly Uint8Array[], mostBytes = 1000) {
  const seen: [string, number][] = [];
  const lines = new CommandLines(mostBytes, (line, number) => seen.push([line.toString(), number]));
  const kept = Buffer.concat([...blocks.flatMap((block) => lines.take(block)), ...lines.end()]).toString();
  return { kept, total: lines.total, bytes: lines.bytes, seen };
}

test('blank lines and comments are no commands, wherever blocks are cut', () => {
  const line = fc.constantFrom(
    './sim 1',
    '',
    '  ',
    '\t',
    '# why',
    '  # why',
    'echo "#"',
    'größe',
    '#!/bin/bash',
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 12 }), fc.nat(20), fc.boolean(), (given, size, ends) => {
      const text = Buffer.from(given.join('\n') + (ends ? '\n' : ''));
      const blocks = Array.from({ length: Math.ceil(text.length / (size + 1)) }, (_, at) =>
        text.subarray(at * (size + 1), (at + 1) * (size + 1)),
      );
      const commands = given.filter((one) => one.trim() !== '' && !one.trim().startsWith('#'));
      if (commands.length === 0) {
        expect(() => read(blocks)).toThrow(BadList);
        return;
      }
      const { kept, total, bytes, seen } = read(blocks);
      expect(kept).toBe(commands.map((one) => `${one}\n`).join(''));
      expect({ total, bytes }).toEqual({ total: commands.length, bytes: Buffer.byteLength(kept) });
      expect(seen.every(([one, number]) => given[number - 1] === one)).toBe(true);
    }),
  );
});

test.each([
  ['', 'it is empty'],
  ['# a\n\n', 'no line of it is a command'],
  ['\ufeff./sim', 'byte order mark'],
  ['# a\n./sim\r\n', 'line 2 ends with CR LF'],
  ['a\n\0\n', 'line 2 holds a NUL character'],
  [`a\n${'x'.repeat(1001)}`, 'line 2 has over 1,000 bytes'],
  [`${'x'.repeat(1001)}\n`, 'line 1 has over 1,000 bytes'],
])('%j is refused', (text, why) => {
  expect(() => read([Buffer.from(text)])).toThrow(why);
});
