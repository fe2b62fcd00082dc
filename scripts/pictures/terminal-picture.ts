import type { Line } from './screen.ts';

const CELL = { width: 8.4, height: 20 };
const PAD = 18;
const COLOURS: Record<number, string> = { 0: '#e6edf3', 2: '#8b949e', 31: '#ff7b72', 32: '#3fb950' };

/** An SVG of a terminal's lines. Where `parts` are several, each begins below a line that says that time has passed. */
export function terminalPicture(title: string, columns: number, parts: readonly (readonly Line[])[]): string {
  const width = columns * CELL.width + 2 * PAD;
  const drawn: string[] = [];
  let y = 2 * PAD + CELL.height;
  for (const [index, lines] of parts.entries()) {
    if (index > 0) {
      drawn.push(
        `<line x1="0" x2="${width}" y1="${y + CELL.height / 2}" y2="${y + CELL.height / 2}" stroke="#30363d" stroke-dasharray="4 4"/>`,
      );
      y += CELL.height;
    }
    for (const line of lines) {
      drawn.push(...drawLine(line, y));
      y += CELL.height;
    }
  }
  const height = y + PAD;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14">
<title>${escaped(title)}</title>
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
${['#ff5f57', '#febc2e', '#28c840'].map((fill, index) => `<circle cx="${PAD + 6 + index * 18}" cy="${PAD}" r="5.5" fill="${fill}"/>`).join('')}
${drawn.join('\n')}
</svg>
`;
}

/** Neighbours of one colour in one element. Blocks are drawn, since fonts leave gaps between them. */
function drawLine(line: Line, y: number): string[] {
  const drawn: string[] = [];
  for (let from = 0; from < line.length; ) {
    const { code, block } = kindOf(line, from);
    let to = from + 1;
    while (to < line.length && kindOf(line, to).code === code && kindOf(line, to).block === block) to += 1;
    const text = line
      .slice(from, to)
      .map(({ character }) => character)
      .join('');
    const x = (PAD + from * CELL.width).toFixed(1);
    const width = ((to - from) * CELL.width).toFixed(1);
    const fill = COLOURS[code] ?? COLOURS[0];
    if (block !== '')
      drawn.push(
        `<rect x="${x}" y="${y + 3}" width="${width}" height="14" fill="${fill}"${block === '░' ? ' opacity="0.35"' : ''}/>`,
      );
    else if (text.trim() !== '')
      drawn.push(
        `<text x="${x}" y="${y + 15}" textLength="${width}" xml:space="preserve" fill="${fill}">${escaped(text)}</text>`,
      );
    from = to;
  }
  return drawn;
}

function kindOf(line: Line, at: number): { code: number; block: string } {
  const { character = '', code = 0 } = line[at] ?? {};
  return { code, block: character === '█' || character === '░' ? character : '' };
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
