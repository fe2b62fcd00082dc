/**
 * What programs write for a terminal and not for a reader. Text of users must lose it before it is shown or compared:
 * in a terminal it could repaint what we said, in a page it is noise.
 */

// Built from code points, so that no control character stands in this file.
const ESC = String.fromCodePoint(0x1b);
const BEL = String.fromCodePoint(0x07);

/** ECMA-48: colours and cursor moves (CSI), titles and links (OSC), and two-character sequences. */
const SEQUENCES = new RegExp(
  `${ESC}\\[[0-?]{0,64}[ -/]{0,8}[@-~]|${ESC}\\][^${BEL}${ESC}]{0,2000}(?:${BEL}|${ESC}\\\\)|${ESC}[()*+#%][0-9A-Z@]|${ESC}[0-9=>@-Z\\\\^_a-z|}~]`,
  'g',
);

/** The text without escape sequences; other control characters stay. */
export function withoutTerminalCodes(text: string): string {
  return text.includes(ESC) ? text.replaceAll(SEQUENCES, '') : text;
}

/** One line of printable text: sequences dropped; control, direction-turning and invisible characters as blanks. */
export function plainLine(text: string): string {
  return withoutTerminalCodes(text.toWellFormed())
    .replaceAll(/\p{Cc}|\p{Bidi_Control}|[\u200b\u2028\u2029\u2060\ufeff\ufff9-\ufffb]/gu, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
}
