/** One thing wrong with a manifest, where it is and what would be right. */
export interface Fault {
  /** A stable name for programs: `unknown-key`, `out-of-range`, `not-yaml` … */
  code: string;
  /** `cluster.nodes`, `inputs[0].from`; empty for the whole file. */
  path: string;
  /** In another file than the manifest: its name, and the line that `line` is of it. */
  elsewhere?: { file: string; source: string };
  /** From 1; 0 where the fault has no place. */
  line: number;
  column: number;
  /** What stands there, shortened. */
  text: string;
  /** What is wrong, in a sentence without its place. */
  message: string;
  /** What would be right. */
  allowed?: string;
  /** The nearest known key or value. */
  suggestion?: string;
}

const MAX_SHOWN = 100;
const MAX_COLUMNS = 120;

/** Faults as a compiler shows them: place, sentence, and the line with a mark under it. */
export function renderFaults(faults: readonly Fault[], fileName: string, sourceText: string): string {
  const lines = sourceText.split(/\r?\n/);
  const shown = faults.slice(0, MAX_SHOWN).map((fault) => renderFault(fault, fileName, lines));
  const rest = faults.length - shown.length;
  return shown.join('\n') + (rest > 0 ? `\n… and ${rest} more.\n` : '');
}

/** The sentence of a fault, with what would be right. */
export function faultSentence({ path, message, allowed, suggestion }: Fault): string {
  const subject = path === '' ? '' : `${path}: `;
  const right = allowed === undefined ? '' : `; allowed: ${allowed}`;
  const meant = suggestion === undefined ? '' : `; did you mean \`${suggestion}\`?`;
  return printable(`${subject}${message}${right}${meant}`);
}

function renderFault(fault: Fault, fileName: string, lines: readonly string[]): string {
  const { line, column, text, elsewhere } = fault;
  if (line === 0) return `${fileName}: ${faultSentence(fault)}\n`;
  const gutter = String(line);
  const source = elsewhere?.source ?? lines[line - 1] ?? '';
  // A long line is shown around the fault.
  const from = column > MAX_COLUMNS - 20 ? column - 40 : 0;
  const window = source.slice(from, from + MAX_COLUMNS);
  const width = Math.max(1, Math.min(text.length, window.length - (column - 1 - from)));
  const margin = ' '.repeat(gutter.length);
  return `${elsewhere?.file ?? fileName}:${line}:${column}: ${faultSentence(fault)}\n  ${gutter} | ${printable(window)}\n  ${margin} | ${' '.repeat(Math.max(0, column - 1 - from))}${'^'.repeat(width)}\n`;
}

/** Control characters of a stranger's file do nothing to a terminal. */
function printable(text: string): string {
  return text.replaceAll('\t', ' ').replace(/[\p{Cc}\p{Bidi_Control}]/gu, '\ufffd');
}
