import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { visibleText } from '../../experiment/text/visible-text.ts';
import { html, jsonMarkup, withCode } from '../../report/page/html.ts';
import { shortened, shortLines } from '../../report/page/short-text.ts';
import { HOSTILE } from './sample-runs.ts';

const pieces = fc.constantFrom(
  '<',
  '>',
  '"',
  "'",
  '&',
  '</script>',
  '<!--',
  ']]>',
  '\u202e',
  '\u001b[31m',
  '\u0000',
  '\ud800',
  '`',
  '${',
  HOSTILE,
);
const anyText = fc
  .array(fc.oneof(pieces, fc.string({ unit: 'binary', maxLength: 20 })), { maxLength: 12 })
  .map((list) => list.join(''));

/** What a browser makes of escaped text, for the five entities that we write. */
function unescaped(text: string): string {
  const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', '#39': "'", amp: '&' };
  return text.replaceAll(/&(lt|gt|quot|#39|amp);/g, (_, name: string) => entities[name] ?? '');
}

describe('text of users in a page', () => {
  test('is text and nothing else, in an element and in an attribute', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const { text: page } = html`<p title="${text}">${text}</p>`;
        const match = /^<p title="([^"'<>]*)">([^"'<>]*)<\/p>$/s.exec(page);
        expect(match).not.toBeNull();
        expect(unescaped(match?.[1] ?? '')).toBe(visibleText(text));
        expect(unescaped(match?.[2] ?? '')).toBe(visibleText(text));
      }),
    );
  });

  test('in lists, in numbers and in sentences with code too', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const page = html`${[text, html`<b>${text}</b>`]}${withCode(text)}`.text.replaceAll(
          /<\/?(?:b|code)>/g,
          '',
        );
        expect(page).not.toMatch(/[<>]/);
      }),
    );
  });

  test('as data of a script it comes back as it was, and cannot end the element', () => {
    fc.assert(
      fc.property(fc.jsonValue(), anyText, (value, text) => {
        const { text: json } = jsonMarkup({ value, text, [text]: text });
        expect(json).not.toMatch(/[<\u2028\u2029]/);
        expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify({ value, text, [text]: text })));
      }),
    );
  });

  test('holds nothing that turns or hides it', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const shown = visibleText(text);
        expect(shown).not.toMatch(/[^\n\t\P{Cc}]|\p{Bidi_Control}|[\u200b\u2060\ufeff]/u);
        expect(shown.isWellFormed()).toBe(true);
        expect(visibleText(shown)).toBe(shown);
      }),
    );
  });

  test('loses a terminal’s codes, and keeps every word of a reader’s text', () => {
    expect(
      visibleText(
        '\u001b[1;31mbad\u001b[0m \u001b]8;;http://x\u0007link\u001b]8;;\u0007 é 漢字 👩‍🚀 a\tb\r\nc',
      ),
    ).toBe('bad link é 漢字 👩‍🚀 a\tb\nc');
    expect(visibleText('abc\u202egnp.exe \u0000')).toBe('abc⟨U+202E⟩gnp.exe ␀');
  });

  test('a megabyte is cut, and says so', () => {
    const line = 'é'.repeat(1_000_000);
    expect(shortened(line, 100)).toBe(`${'é'.repeat(100)}… (1000000 characters)`);
    expect(shortLines(`a\n${line}\nb`, 10).length).toBeLessThan(60);
    expect(shortened('👩'.repeat(60), 101).isWellFormed()).toBe(true);
  });
});
