/** A character and the SGR code that it is painted with: 0 plain, 2 dim, 31 red, 32 green. */
interface Cell {
  character: string;
  code: number;
}
export type Line = readonly Cell[];

/** A sequence that begins with ESC and `[`, or one character. */
const TOKEN = /\p{Cc}\[(?<number>\d*)(?<action>[A-Za-z])|./gsu;

/**
 * What a terminal shows after these bytes, line by line: as much of one as our displays use. Lines never wrap, since what we
 * show is cut to the terminal's width. @throws Error at a sequence that is not known, whose effect would be missing
 */
export function screenAfter(text: string): Line[] {
  const lines: Cell[][] = [];
  let row = 0;
  let column = 0;
  let code = 0;
  const lineAt = (at: number): Cell[] => {
    while (lines.length <= at) lines.push([]);
    return lines[at] ?? [];
  };
  const actions: Record<string, (number: number) => void> = {
    m: (number) => {
      code = number;
    },
    A: (number) => {
      row = Math.max(0, row - number);
    },
    K: (number) => {
      lineAt(row).splice(number === 2 ? 0 : column);
    },
    J: () => {
      lineAt(row).splice(column);
      lines.splice(row + 1);
    },
  };
  for (const { 0: token, groups: { number = '', action } = {} } of text.matchAll(TOKEN)) {
    if (action !== undefined) {
      const act = actions[action];
      if (act === undefined) throw new Error(`an unknown sequence ${JSON.stringify(token)}`);
      act(Number(number));
    } else if (token === '\r') column = 0;
    else if (token === '\n') row += 1;
    else {
      const line = lineAt(row);
      while (line.length < column) line.push({ character: ' ', code: 0 });
      line[column] = { character: token, code };
      column += 1;
    }
  }
  return lines;
}

export function textOf(line: Line): string {
  return line.map(({ character }) => character).join('');
}
