import { withoutTerminalCodes } from './terminal-codes.ts';

/** What a terminal or a browser would act on instead of showing: made visible, so that nothing can lie about itself. */

/**
 * Text as it may be shown: ANSI sequences are dropped, other control characters become their Unicode pictures (␀ … ␡),
 * characters that turn the direction of writing or are invisible become their code point (`⟨U+202E⟩`), half surrogate
 * pairs become �. Newlines and tabs stay; CR LF is a newline, and a lone CR (a progress bar's) too.
 */
export function visibleText(text: string): string {
  return withoutTerminalCodes(text.toWellFormed())
    .replaceAll(/\r\n?/g, '\n')
    .replaceAll(/[^\n\t\P{Cc}]/gu, picture)
    .replaceAll(
      /\p{Bidi_Control}|[\u200b\u2028\u2029\u2060\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu,
      codePoint,
    );
}

function picture(control: string): string {
  const code = control.codePointAt(0) ?? 0;
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  return code === 0x7f ? '␡' : codePoint(control);
}

function codePoint(character: string): string {
  return `⟨U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}⟩`;
}

/** JSON whose characters a terminal shows and does not act on; read again, it is the same value. */
export function plainJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, undefined, indent).replaceAll(
    /[\u007f-\u009f\u200b\u2028\u2029\u2060\ufeff\ufff9-\ufffb]|\p{Bidi_Control}/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
