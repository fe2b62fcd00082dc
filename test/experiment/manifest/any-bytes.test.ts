import fc from 'fast-check';
import { describe, it } from 'vitest';
import type { ManifestFormat } from '../../../experiment/manifest/parse.ts';
import { fuzzRuns } from '../../support/fuzz-runs.ts';
import { corpusCases } from './corpus-cases.ts';
import { hostileTexts } from './hostile-texts.ts';
import { read, readWithLittleWork } from './read-hostile.ts';

const format = fc.constantFrom<ManifestFormat>('yaml', 'json');
const texts = [...corpusCases('valid'), ...corpusCases('malformed')].map((each) => each.text);

/** A text for each step of reading; the slow test has all of them, and as long as they may be. */
const STEPS = [
  '"[" over and over',
  '"\\"\\" " over and over',
  '"? [a]\\n" over and over',
  'a quote never closed',
  'unknown keys',
  'the same key',
  'empty variables',
  'anchors and their aliases',
  'numbers as commands',
  'template keys that are none',
  'a range of a million',
  'pipelines',
  'indentation of all kinds',
];

const hostile = hostileTexts(1 / 8);

describe('no bytes make reading a manifest throw or work for long', () => {
  it.each(STEPS)('128 KiB: %s', (name) => {
    readWithLittleWork(hostile[name] ?? '');
  });

  it('random bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 3000 }), format, read), fuzzRuns(300));
  });

  it('random text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 500 }), format, (text, as) =>
        read(Buffer.from(text), as),
      ),
      fuzzRuns(300),
    );
  });

  it('manifests with a part taken out, doubled, or put in from elsewhere', () => {
    const sign = fc.constantFrom(...'[]{}:,-?#&*!|>\'"%@`\n\r\t \0\\<~0.e_é😀');
    const edit = fc.record({ at: fc.nat(), length: fc.nat(30), put: fc.oneof(sign, fc.nat().map(String)) });
    fc.assert(
      fc.property(fc.constantFrom(...texts), fc.array(edit, { maxLength: 8 }), format, (text, edits, as) => {
        let changed = text;
        for (const { at, length, put } of edits) {
          const from = at % (changed.length + 1);
          const cut = changed.slice(from, from + length);
          const middle = [put, cut + cut, '', changed.slice(0, length)][(at + length) % 4] ?? '';
          changed = changed.slice(0, from) + middle + changed.slice(from + length);
        }
        read(Buffer.from(changed.slice(0, 100_000)), as);
      }),
      fuzzRuns(1500),
    );
  });

  it('what looks like YAML', () => {
    const word = fc.constantFrom(
      ...[
        'name',
        'run',
        'cluster',
        'commands',
        'list',
        'matrix',
        'template',
        'inputs',
        'tags',
        'environment',
      ],
      ...[
        '__proto__',
        'constructor',
        '<<',
        '~',
        'null',
        'no',
        '.inf',
        '0x1F',
        '1e999',
        '-0',
        '"a"',
        "'b'",
        '',
      ],
      ...[
        '&a',
        '*a',
        '&a 1',
        '!!str x',
        '!<x>',
        '[]',
        '{}',
        '[a, b]',
        '{a: 1}',
        '|',
        '>-',
        '|2',
        '%YAML 1.1',
      ],
      ...['---', '...', '# c', '? k', ': v', '- i', '{a', 'b]', '"c', '{a}', '\u0024{a}', '{{a}}', '@', '\t'],
    );
    const line = fc
      .tuple(fc.nat(8), fc.array(word, { maxLength: 4 }), fc.constantFrom(': ', ' ', ', ', ':\n', '- '))
      .map(([indent, words, between]) => ' '.repeat(indent) + words.join(between));
    fc.assert(
      fc.property(fc.array(line, { maxLength: 25 }), format, (lines, as) =>
        read(Buffer.from(lines.join('\n')), as),
      ),
      fuzzRuns(1500),
    );
  });

  it('nesting of any depth and kind', () => {
    const opening = fc.constantFrom('[', '{a: ', '- ', '? ', 'a:\n', '[1, ', '{"a":', '&x [');
    fc.assert(
      fc.property(
        fc.array(opening, { minLength: 1, maxLength: 5 }),
        fc.nat(4000),
        format,
        (kinds, depth, as) => read(Buffer.from(kinds.join('').repeat(depth).slice(0, 300_000)), as),
      ),
      fuzzRuns(100),
    );
  });
});
