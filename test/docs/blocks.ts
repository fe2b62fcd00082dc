/** A code block of a page. */
export interface Block {
  /** Line of its fence, for messages. */
  line: number;
  /** The language; empty where none is named, which is what a command prints. */
  language: string;
  /** Words behind the language, which no reader sees: what is to be done with the block. */
  marks: readonly string[];
  text: string;
}

/** Every fenced block of a page, in order. @throws Error when one is not closed */
export function blocksOf(page: string): Block[] {
  const blocks: Block[] = [];
  let open: Block | undefined;
  for (const [index, line] of page.split('\n').entries()) {
    const [, info] = /^```(.*)$/.exec(line) ?? [];
    if (info === undefined) {
      if (open !== undefined) open.text += `${line}\n`;
    } else if (open === undefined) {
      const [language = '', ...marks] = info.trim().split(/\s+/);
      open = { line: index + 1, language, marks, text: '' };
    } else {
      blocks.push(open);
      open = undefined;
    }
  }
  if (open !== undefined) throw new Error(`the block of line ${open.line} is not closed`);
  return blocks;
}

/** The value of a mark such as `file=sweep.yaml`. */
export function markOf({ marks }: Block, name: string): string | undefined {
  return marks.find((mark) => mark.startsWith(`${name}=`))?.slice(name.length + 1);
}

/** A line that a page shows and that was not printed, or nothing. `…` stands for any lines, everything else in order. */
export function notPrinted(shown: string, printed: string, home: string): string | undefined {
  const lines = printed.replaceAll(home, '~').split('\n').map(comparable);
  let from = 0;
  for (const line of shown.trimEnd().split('\n')) {
    if (line.trim() === '…') continue;
    const at = lines.indexOf(comparable(line), from);
    if (at === -1) return line;
    from = at + 1;
  }
  return undefined;
}

/** What no two runs have in common, taken out: ids, times, durations, addresses, shares of a second or an hour, users. */
function comparable(line: string): string {
  return line
    .replace(/^Cancelled by \S+\.$/, 'Cancelled by USER.')
    .replaceAll(/-[0-9a-f]{11}\b/g, '-ID')
    .replaceAll(/\/[0-9a-f]{32}\//g, '/SECRET/')
    .replaceAll(/127\.0\.0\.\d+(:\d+)?/g, 'ADDRESS')
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ/g, 'TIME')
    .replaceAll(/(\d+(\.\d+)? (ms|s|min|h)\b ?)+/g, 'DURATION ')
    .replaceAll(/\b0\.\d+\b/g, 'SHARE')
    .replaceAll(/\s+/g, ' ')
    .trim();
}
